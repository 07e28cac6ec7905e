"""Any text: problems, or a document. Any order, any comments: the same fingerprints."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from imgassets.documents.base import Document, canonical_json, fingerprint
from imgassets.documents.contract import Endpoint
from imgassets.documents.facets import facets_of
from imgassets.documents.geneval import read_geneval
from imgassets.documents.model import Model
from imgassets.documents.problems import InvalidDocumentsError, Problem
from imgassets.documents.project import load_project, read_document
from imgassets.documents.prompts import PromptSet
from imgassets.documents.yamlfile import YamlError, read_yaml
from imgassets.judges.vocabulary import unknown_words
from imgassets_tests.conftest import ENDPOINT, MODEL, PROMPTS, write_project

quick = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # shrinking takes minutes, and examples are short
)
MODEL_TEXT = MODEL.format(name="prod", weights="tiny-base", shift=2.0, steps=4)
TEXTS: dict[str, tuple[type[Document], str]] = {
    "contracts/endpoints/cards.yaml": (Endpoint, ENDPOINT),
    "contracts/models/prod.yaml": (Model, MODEL_TEXT),
    "prompts/few.yaml": (PromptSet, PROMPTS),
}
#: What means something to YAML, to Python or to somebody's parser.
_TOKENS = [
    "{", "}", "[", "]", ":", "- ", "#", "&a ", "*a", "!!python/name:os.system ", "!!binary ", "|\n",
    "? ", "'", '"', "\t", "\n", "null", "~", ".nan", ".inf", "-1", "1e999", "0o17", "2026-11-24",
    "<<: ", "=", "%YAML 1.1\n", "---\n", "...\n", "\ufeff", "\x00", "\x85", "\u2028", "💥",
    "[" * 300, "9" * 400, "9" * 5000, "true", "class", "kind", "{prompt}", "2026-13-45",
    "!!float abc", "!!int abc", "!!bool maybe", "!!timestamp x", "!!set ", "!!omap [a]", "!!str [",
    "? [a]\n: b", "!!map a", "!!null []", "0x", "1:99:99",
]  # fmt: skip
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(),
    st.sampled_from(["composition.correct", "generate", "PNG", "prefix"]),
)  # fmt: skip
_words = st.sampled_from(
    sorted({*Endpoint.model_fields, *Model.model_fields, *PromptSet.model_fields, "mode", "kind",
            "metric", "flow", "id", "prompt", "expect", "include", "class", "sizes", "seeds"})
)  # fmt: skip
_values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(_words, _scalars), inner, max_size=3)
    ),
    max_leaves=12,
)


@st.composite
def yaml_texts(draw: st.DrawFn, valid: str) -> str:
    """Random text, a valid document with pieces put in or cut out, or a dump of random values."""
    match draw(st.sampled_from(["text", "pieces", "values", "field"])):
        case "text":
            return draw(st.one_of(st.text(), st.lists(st.sampled_from(_TOKENS)).map("".join)))
        case "values":
            return yaml.safe_dump(draw(_values), allow_unicode=True)
        case "field":
            whole = yaml.safe_load(valid)
            whole[draw(st.sampled_from(sorted(whole)))] = draw(_values)
            return yaml.safe_dump(whole)
    text = valid
    for _ in range(draw(st.integers(1, 3))):
        at, lost = draw(st.integers(0, len(text))), draw(st.integers(0, 20))
        text = text[:at] + draw(st.sampled_from(_TOKENS)) + text[at + lost :]
    return text


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose documents are put back after each example."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    return folder


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_is_problems_or_a_document(root: Path, name: str) -> None:
    model, valid = TEXTS[name]

    @quick
    @given(yaml_texts(valid))
    def holds(text: str) -> None:
        (root / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        alone: tuple[Problem, ...] = ()
        try:
            assert isinstance(read_document(root / name, model), model)
        except InvalidDocumentsError as error:
            alone = error.problems
        project = load_project(root)
        for problem in (*alone, *project.problems, *unknown_words(project)):
            assert problem.line >= 1
            assert problem.message
            assert "\n" not in problem.file

    holds()
    (root / name).write_text(valid)
    assert load_project(root).problems == ()


@quick
@given(st.binary())
def test_any_bytes_are_yaml_or_the_one_named_error(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "a.yaml"
        path.write_bytes(data)
        with suppress(YamlError):
            assert read_yaml(path).line(()) >= 1


@quick
@given(st.one_of(
    st.binary(),
    st.lists(st.one_of(
        _values.map(lambda v: yaml.safe_dump(v, default_flow_style=True)),
        st.sampled_from(['{"prompt": 1}', '{"prompt": "a"}', '{"prompt": "a", "include": [{}]}',
                         "[" * 2000, '{"prompt": "a", "include": 5}', "null", '"a"']),
    )).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")),
))  # fmt: skip
def test_any_geneval_file_is_problems_or_a_prompt_set(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "evaluation_metadata.jsonl"
        path.write_bytes(data)
        with suppress(InvalidDocumentsError):
            assert read_geneval(path).prompts


def shuffled(value: Any, random: Random) -> Any:
    """The same mappings with their keys in another order; lists keep theirs, it has a meaning."""
    if isinstance(value, dict):
        items = [(k, shuffled(v, random)) for k, v in value.items()]
        random.shuffle(items)
        return dict(items)
    return [shuffled(v, random) for v in value] if isinstance(value, list) else value


def with_comments(text: str, random: Random) -> str:
    """Comments behind lines that can take one, and on lines of their own."""
    lines = []
    for line in text.splitlines():
        if random.random() < 0.3:
            lines.append(f"# {random.random()}: [")
        lines.append(line)
    return "\n".join([*lines, "# the end"]) + "\n"


@settings(quick, max_examples=25)
@given(st.integers(0, 10**6))
def test_order_and_comments_change_no_fingerprint(seed: int) -> None:
    random = Random(seed)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_project(root)
        before = all_facets(root)
        for file in sorted(root.glob("**/*.yaml")):
            data = yaml.safe_load(file.read_text())
            flow = random.random() < 0.5
            # Lines that are not wrapped: a comment has no place within a string.
            text = yaml.safe_dump(
                shuffled(data, random), sort_keys=False, default_flow_style=flow, width=10**6
            )
            file.write_text(with_comments(text, random))
        assert all_facets(root) == before


def all_facets(root: Path) -> dict[str, dict[str, str]]:
    """Every facet of every document, which must all be valid."""
    project = load_project(root)
    assert project.problems == ()
    return {
        f"{kind}/{name}": facets_of(project, kind, name)
        for kind, names in (
            ("endpoints", project.endpoints),
            ("models", project.models),
            ("prompt_sets", project.prompt_sets),
        )
        for name in names
    }


json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False,
              allow_infinity=False), st.text(st.characters(exclude_categories=["Cs"]))),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), inner)),
    max_leaves=20,
)  # fmt: skip


@quick
@given(json_values, st.integers(0, 10**6))
def test_a_fingerprint_is_of_the_meaning(value: Any, seed: int) -> None:
    assert fingerprint(shuffled(value, Random(seed))) == fingerprint(value)
    assert fingerprint([value]) != fingerprint(value)
    assert fingerprint({"a": value}) != fingerprint({"b": value})
    assert json.loads(canonical_json(value)) == value
