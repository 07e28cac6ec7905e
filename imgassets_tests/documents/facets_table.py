"""The table of docs/documents.md that says what each field changes, from the fields themselves.

python -m imgassets_tests.documents.facets_table
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from imgassets.documents.base import Document
from imgassets.documents.comfyui import ComfyModel
from imgassets.documents.command import CommandModel
from imgassets.documents.contract import Endpoint
from imgassets.documents.field_facets import Facet, MarkedField, marked_fields, parts_in
from imgassets.documents.folder import FolderModel
from imgassets.documents.gemini import GeminiModel
from imgassets.documents.ideogram import IdeogramModel
from imgassets.documents.judge import CenterFace, Clip, SsdMobilenet, TransformersDetector, Vqa
from imgassets.documents.model import Model
from imgassets.documents.openai import OpenAIModel
from imgassets.documents.prompts import PromptSet

PAGE = Path(__file__).parents[2] / "docs" / "documents.md"
_BETWEEN = re.compile(r"(?<=<!-- facets -->\n).*?(?=<!-- end of facets -->)", re.DOTALL)
DOCUMENTS: dict[str, type[Document]] = {
    "an endpoint": Endpoint,
    "a model": Model,
    "a model of ideogram": IdeogramModel,
    "a model of gemini": GeminiModel,
    "a model of folder": FolderModel,
    "a model of comfyui": ComfyModel,
    "a model of openai": OpenAIModel,
    "a model of command": CommandModel,
    "a prompt set": PromptSet,
    "a judge of kind ssd-mobilenet": SsdMobilenet,
    "a judge of kind object-detection": TransformersDetector,
    "a judge of kind vqa": Vqa,
    "a judge of kind clip": Clip,
    "a judge of kind centerface": CenterFace,
}


def table() -> str:
    """One row for each document and each thing that fields change together."""
    rows = ["| in | fields | facet | image key |", "|---|---|---|---|"]
    for name, document in DOCUMENTS.items():
        together: dict[tuple[str, str], list[str]] = {}
        for field in fields_of(document):
            shown = f"`{'.'.join(field.path)}`"
            known = together.setdefault((facets(field), in_key(field)), [])
            known += [shown] if shown not in known else []
        rows += [
            f"| {name} | {', '.join(paths)} | {facet} | {key} |"
            for (facet, key), paths in together.items()
        ]
    return "\n".join(rows) + "\n"


def fields_of(document: type[Document]) -> Iterator[MarkedField]:
    """Its fields without those that only hold others."""
    for field in marked_fields(document, document.main_facet):
        if not parts_in(field.owner.model_fields[field.name].annotation):
            yield field


def facets(field: MarkedField) -> str:
    """The parts of the graph that change with a field."""
    return ", ".join(f.name.lower() for f in field.graph if f.name) or "none"


def in_key(field: MarkedField) -> str:
    """Whether and how a field enters image keys."""
    if not field.changes_pixels:
        return "no"
    if Facet.BY_CONTENT in field.said:
        return "by the content it names"
    return "where it is not the default" if Facet.WHERE_SET in field.said else "yes"


def page(text: str) -> str:
    """The page with the table of today."""
    return _BETWEEN.sub(lambda _: table(), text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
