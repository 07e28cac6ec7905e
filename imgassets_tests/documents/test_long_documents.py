"""Documents of any length are read in steps that grow with the length, and of any depth safely."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.documents.prompts import PromptSet
from imgassets.documents.yamlfile import YamlError, read_yaml


class _CountedName(str):
    """Counts how often names are compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        _CountedName.compared += 1
        return str.__eq__(self, other)


def test_repeated_ids_are_found_without_comparing_each_with_each() -> None:
    row = {"prompt": "a red circle"}
    prompts = PromptSet.model_validate(
        {"prompt_set": "s", "prompts": [{**row, "id": f"p{i}"} for i in range(300)]}
    ).prompts
    named = [p.model_copy(update={"id": _CountedName(p.id)}) for p in prompts]
    whole = PromptSet.model_construct(prompt_set="s", transforms=(), prompts=tuple(named))
    _CountedName.compared = 0
    whole._names_are_unique()  # type: ignore[operator]
    assert _CountedName.compared < 10 * len(named)


@pytest.mark.parametrize(
    "text", ["[" * 300_000, "{a: " * 100_000, "- " * 100_000, "&a " + "[" * 999]
)
def test_deep_nesting_is_a_problem_and_no_crash(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(YamlError, match="nested more than 100 deep"):
        read_yaml(path)


def test_with_and_without_anchors_the_same_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [1, yes, 'no', x]\nb: {c: ~, d: 1.5}\n", encoding="utf-8")
    plain = read_yaml(path)
    path.write_text("a: &list [1, yes, 'no', x]\nb: {c: ~, d: 1.5}\n", encoding="utf-8")
    assert read_yaml(path).data == plain.data
    assert read_yaml(path).line(("b", "d")) == plain.line(("b", "d")) == 2
