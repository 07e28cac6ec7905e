"""The pages in docs/reference, from the documents' own models: every field, and what it remakes.

python -m imgassets_tests.documents.reference_pages
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from imgassets.documents.base import Document
from imgassets.documents.contract import Endpoint
from imgassets.documents.field_facets import (
    Facet,
    MarkedField,
    marked_fields,
    part_of_graph,
    parts_in,
    said_at,
)
from imgassets.documents.judge import EMBEDDED
from imgassets.documents.project import load_project
from imgassets.documents.prompts import PromptSet
from imgassets.documents.schemas import JUDGES, MODELS, schema_of
from imgassets.flows import FLOWS
from imgassets_tests.documents.reference_words import anchor, remade, type_words
from imgassets_tests.documents.test_field_facets import bases

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "reference"
#: Longer examples make a table unreadable.
_LONGEST = 60


@dataclass
class Section:
    """A document, or a part that one field or several hold.

    Attributes:
        document: whose fields it lists.
        around: the part of the graph its fields belong to where they name none.
        paths: where it stands; the first decides what comes around it.
        kinds: values of `backend` or `kind` of the files that hold it; all where empty.
    """

    document: type[BaseModel]
    around: Facet
    paths: list[tuple[str, ...]]
    kinds: list[str] = field(default_factory=list)
    heading: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        return self.paths[0]

    @property
    def of_one_flow(self) -> bool:
        return any(path[0] in FLOWS for path in self.paths if path)


@dataclass(frozen=True)
class Page:
    """A page: one kind of file, of one class or of several that a field tells apart."""

    file: str
    title: str
    place: str
    documents: Mapping[str, type[Document]]
    field: str = ""


def _pages() -> list[Page]:
    return [
        Page("endpoint.md", "Endpoint contracts", "contracts/endpoints", {"": Endpoint}),
        Page("model.md", "Models", "contracts/models", MODELS, "backend"),
        Page("judge.md", "Judges", "contracts/judges", JUDGES, "kind"),
        Page("prompts.md", "Prompt sets", "prompts", {"": PromptSet}),
    ]


def pages() -> dict[str, str]:
    """The text of each page, by file."""
    shown = _examples()
    return {page.file: _page(page, shown) for page in _pages()}


def fields_of_all() -> Iterator[MarkedField]:
    """Every field of every page."""
    for page in _pages():
        for document in page.documents.values():
            yield from marked_fields(document, document.main_facet)


def _page(page: Page, shown: Mapping[tuple[type, str], str]) -> str:
    sections = _sections(page)
    for section in sections:
        section.heading = _heading(page, section)
    headings = [section.heading for section in sections]
    assert len(set(headings)) == len(headings), sorted(headings)
    text = [
        f"# {page.title}: every field",
        f"Of `{page.place}/NAME.yaml`. Written from the documents' own models by "
        "`python -m imgassets_tests.documents.reference_pages`. `imgassets schema` writes the same "
        "for editors. [What a field changes](../documents.md#what-a-field-changes) tells what "
        "the last column rests on; numbers can be written [in words](#names-and-numbers).",
        *(_section(section, sections, shown) for section in sections),
        _NUMBERS,
    ]
    return "\n\n".join(text) + "\n"


_NUMBERS = """## Names and numbers

A name has small letters, digits and single hyphens: `red-circle-2`.

Where a unit is named, a number may say it: `5 %`, `5 points`, `3 dB`, `500 ms`, `$0.04`. \
A bare number is in the metric's own unit, `0.05` for 5 %."""


def _sections(page: Page) -> list[Section]:
    """The documents of a page and all parts of them, each once."""
    found: dict[tuple[type, Facet], Section] = {}

    def visit(document: type[BaseModel], around: Facet, path: tuple[str, ...], kind: str) -> None:
        key = (document, around if path else Facet(0))
        known = found.setdefault(key, Section(document, around, [path]))
        known.paths += [path] if path not in known.paths else []
        known.kinds += [kind] if kind not in known.kinds else []
        for name, info in document.model_fields.items():
            graph = part_of_graph(said_at(info), around)
            for part in parts_in(info.annotation):
                visit(part, graph, (*path, info.alias or name), kind)

    for kind, document in page.documents.items():
        visit(document, document.main_facet, (), kind)
    top = [section for section in found.values() if not section.path]
    return top + [section for section in found.values() if section.path]


def _heading(page: Page, section: Section) -> str:
    kinds = ", ".join(f"`{kind}`" for kind in section.kinds)
    if not section.path:
        return f"{page.field} {kinds}".strip() if page.field else "The file"
    own = section.document.model_fields.get("kind")
    words = [", ".join(f"`{'.'.join(path)}`" for path in section.paths[:2])]
    if own is not None:
        words.append("kind " + ", ".join(f"`{kind}`" for kind in _choices(section.document)))
    if len(section.kinds) < len(page.documents):
        words.append(f"of {kinds}")
    return " ".join(words)


def _choices(document: type[BaseModel]) -> list[str]:
    kind = schema_of(document)["properties"]["kind"]
    return kind.get("enum") or [kind["const"]]


def _section(
    section: Section, sections: list[Section], shown: Mapping[tuple[type, str], str]
) -> str:
    parts = [s for s in sections if s.path]
    # A part that stands at several places is linked where it stands below this one.
    below = [s for s in parts if any(path[:-1] in section.paths for path in s.paths)]
    links = {s.document.__name__: _link(s) for s in (*parts, *below)}
    schema = schema_of(section.document)
    rows = [
        f"| `{_name(marked)}` | {meaning(marked)} | "
        f"{type_words(schema['properties'][_name(marked)], schema, links)} | "
        f"{_default(marked, schema)} | {_example(marked, schema, shown)} | "
        f"{remade(marked, section.of_one_flow)} |"
        for marked in _own_fields(section)
    ]
    about = (section.document.__doc__ or "").strip().split("\n\n")[0]
    return "\n".join(
        [
            f"## {section.heading}",
            "",
            " ".join(about.split()),
            "",
            "| field | meaning | type | default | example | changing it remakes |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def _link(section: Section) -> str:
    has_kind = "kind" in section.document.model_fields
    text = ", ".join(f"`{k}`" for k in _choices(section.document)) if has_kind else "fields"
    return f"[{text}](#{anchor(section.heading)})"


def _own_fields(section: Section) -> Iterator[MarkedField]:
    return (m for m in marked_fields(section.document, section.around) if len(m.path) == 1)


def _name(marked: MarkedField) -> str:
    return marked.path[-1]


def meaning(marked: MarkedField) -> str:
    """What a field is; of `kind` and `backend` without a word of their own, what they choose."""
    info = marked.owner.model_fields[marked.name]
    if not info.description and marked.name in ("kind", "backend"):
        return "Says which this is."
    return (info.description or "").replace("|", r"\|")


def _default(marked: MarkedField, schema: dict[str, Any]) -> str:
    info = marked.owner.model_fields[marked.name]
    if info.is_required():
        return "required"
    value = schema["properties"][_name(marked)].get("default")
    if value is None and info.default_factory is None:
        return "none"
    if value is None or parts_in(info.annotation):
        return "none of them" if not isinstance(value, dict) else "its own defaults"
    return _code(value)


def _code(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    text = text.removesuffix("\n").removesuffix("\n...").replace("|", r"\|")
    return f"`{text}`" if text else "empty"


def _example(
    marked: MarkedField, schema: dict[str, Any], shown: Mapping[tuple[type, str], str]
) -> str:
    if parts_in(marked.owner.model_fields[marked.name].annotation):
        return ""
    own = marked.owner.model_fields[marked.name].examples
    text = _code(own[0]) if own else shown.get((marked.owner, marked.name), "")
    if not text and "const" in (field := schema["properties"][_name(marked)]):
        text = _code(field["const"])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…`"


def _examples() -> dict[tuple[type, str], str]:
    """For each field what the shipped documents write; else what those of the tests do."""
    found: dict[tuple[type, str], str] = {}
    for document in (*_shipped(), *bases().values()):
        _collect(document, found)
    return found


def _shipped() -> Iterator[Document]:
    project = load_project(ROOT)
    for kind in (project.endpoints, project.models, project.prompt_sets, project.judges):
        yield from (loaded.document for loaded in kind.values())
    for folder, documents, name in (
        (ROOT / "contracts/models/examples", MODELS, "backend"),
        (ROOT / "contracts/judges/examples", JUDGES, "kind"),
        (EMBEDDED, JUDGES, "kind"),
    ):
        for path in sorted(folder.glob("*.yaml")):
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
            yield documents[data[name]].model_validate(data)


def _collect(part: Any, found: dict[tuple[type, str], str]) -> None:
    if isinstance(part, BaseModel):
        written = json.loads(part.model_dump_json(by_alias=True))
        for name, info in type(part).model_fields.items():
            if name in part.model_fields_set and getattr(part, name) is not None:
                shown = _code(written[info.alias or name])
                known = found.setdefault((type(part), name), shown)
                if len(shown) <= _LONGEST < len(known):
                    found[type(part), name] = shown
                _collect(getattr(part, name), found)
    elif isinstance(part, (tuple, list)):
        for item in part:
            _collect(item, found)
    elif isinstance(part, Mapping):
        for item in part.values():
            _collect(item, found)


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text, encoding="utf-8")
