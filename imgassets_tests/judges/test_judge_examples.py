"""The judge documents in contracts/judges/examples: each loads, is pinned, and says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.documents.judge import judge_class, judge_fingerprint
from imgassets.documents.project import load_project, read_document
from imgassets.documents.yamlfile import read_yaml
from imgassets.judges.registry import _MODULES

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "contracts/judges/examples").glob("*.yaml"))
#: Commits that could not be looked up without the hub; their files say how.
TO_FILL_IN = {"mask2former-swin-small-coco"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_pinned_document(path: Path) -> None:
    judge = read_document(path, judge_class(read_yaml(path).data))
    assert judge.judge == path.stem
    assert judge.kind in _MODULES
    assert judge.learned
    assert len(judge_fingerprint(ROOT, judge)) == 64
    text = path.read_text()
    assert text.startswith("#")
    assert "Not tried here with trained weights" in " ".join(text.replace("#", " ").split())
    placeholder = set(str(judge.revision)) == {"0"}
    assert placeholder == (path.stem in TO_FILL_IN)
    assert not placeholder or "git ls-remote" in text


def test_every_learned_kind_has_an_example_and_none_is_loaded_by_a_project() -> None:
    kinds = {read_yaml(path).data["kind"] for path in EXAMPLES}
    assert kinds == set(_MODULES) - {"shapes", "ssd-mobilenet", "centerface"}
    assert not {path.stem for path in EXAMPLES} & set(load_project(ROOT).judges)
