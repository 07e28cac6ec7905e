"""What changed in a document: the file, the line, the field, before and after.

A facet's hash says *that* it changed. To say *what*, the parsed facet is kept under its hash, in
the words of the document, and compared with the present one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgassets.documents.base import fingerprint
from imgassets.documents.facets import expected, parsed_facets
from imgassets.documents.model import Model
from imgassets.documents.problems import dotted
from imgassets.documents.project import Loaded, Project
from imgassets.documents.prompts import PromptSet
from imgassets.documents.weights import folder_contents, hub_name, weights_folder
from imgassets.storage.project_home import home_of
from imgassets.storage.whole_file import write_whole

_ABSENT = object()
_SHOWN_CHANGES, _SHOWN_CHARACTERS = 4, 60


def facet_key(kind: str, name: str, facet: str) -> str:
    """Key of the asset of one facet of one document: `documents/KIND/NAME/FACET`."""
    return f"documents/{kind}/{name}/{facet}"


@dataclass(frozen=True)
class Facet:
    """A part of a document as it is now.

    Attributes:
        kind, name, facet: which part of which document.
        file: as the user would open it.
        version: SHA-256 of its meaning.
        shown: its content in the words of the document, to compare with an earlier one.
        source: the document it is a part of.
    """

    kind: str
    name: str
    facet: str
    file: str
    version: str
    shown: dict[str, Any]
    source: Loaded[Any]

    @property
    def key(self) -> str:
        """The key of its asset."""
        return facet_key(self.kind, self.name, self.facet)


def present_facets(project: Project) -> dict[str, Facet]:
    """All facets of all valid documents, by key.

    A document that names a file which is not there has none: its weights are told by their content.
    `imgassets check` names the problem; the others are not kept from going on.
    """
    facets: dict[str, Facet] = {}
    for kind, documents in project.by_kind.items():
        for name in documents:
            with suppress(FileNotFoundError):
                facets |= {facet.key: facet for facet in of(project, kind, name)}
    return facets


def changed_meanwhile(before: Project, now: Project) -> list[str]:
    """Files of documents that do not mean what they meant when the project was first loaded."""
    was, is_now = present_facets(before), present_facets(now)
    return sorted(
        {
            f.file
            for key, f in {**was, **is_now}.items()
            if (key in was) != (key in is_now) or was[key].version != is_now[key].version
        }
    )


def of(project: Project, kind: str, name: str) -> list[Facet]:
    """The facets of one document. Raises as `facets_of`."""
    loaded = project.by_kind[kind][name]
    facets = []
    for facet, parsed in parsed_facets(project, kind, name).items():
        shown = _shown(project, loaded.document, facet, parsed)
        version = fingerprint(parsed)
        facets.append(Facet(kind, name, facet, str(loaded.file), version, shown, loaded))
    return facets


def _shown(project: Project, document: Any, facet: str, parsed: dict[str, Any]) -> dict[str, Any]:
    """A facet in words that can be compared with earlier ones."""
    if isinstance(document, PromptSet):
        return _shown_prompts(document, facet)
    if isinstance(document, Model) and "weights" in parsed and hub_name(document.weights) is None:
        folder = weights_folder(project.root, document.weights)
        files = folder_contents(folder, document.loading.variant)
        return parsed | {"weights": {"content": parsed["weights"], "files": files}}
    return parsed


def _shown_prompts(prompt_set: PromptSet, facet: str) -> dict[str, Any]:
    """Prompts by id, as written: a changed transform is told as such, not as changed prompts."""
    prompts = {}
    for prompt in prompt_set.prompts:
        written = prompt.model_dump(mode="json", by_alias=True)
        edit: dict[str, Any] = {}
        shown: dict[str, Any] = {}
        if facet in ("prompts", "alignment"):
            shown["prompt"] = written["prompt"]
            edit |= {"prompt": prompt.edit.prompt} if prompt.edit else {}
        if facet == "prompts":
            edit |= {"region": written["edit"]["region"]} if prompt.edit else {}
        else:
            shown["expect"] = expected(prompt.expect, facet)
            edit |= {"expect": expected(prompt.edit.expect, facet)} if prompt.edit else {}
        prompts[prompt.id] = shown | {"edit": edit or None}
    transforms = [t.model_dump(mode="json") for t in prompt_set.transforms]
    return {"prompts": prompts} | ({"transforms": transforms} if facet == "prompts" else {})


@dataclass(frozen=True)
class FacetHistory:
    """Facets as they once were: one small JSON file a version, never overwritten."""

    folder: Path

    @classmethod
    def of(cls, root: Path) -> FacetHistory:
        """That of a project."""
        return cls(home_of(root).facets)

    def keep(self, facet: Facet) -> None:
        """Remember a facet under its version."""
        path = self.folder / f"{facet.version}.json"
        if path.exists():
            return
        write_whole(path, json.dumps(facet.shown))

    def read(self, version: str) -> dict[str, Any] | None:
        """What a facet of that version looked like; None when it was never kept."""
        try:
            return json.loads((self.folder / f"{version}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def describe(self, facet: Facet, before: str | None) -> str:
        """What changed since a version, such as `contracts/…/a.yaml:9: sampling.steps: 4 -> 8`."""
        old = self.read(before) if before else None
        if old is None:
            return f"{facet.file}: {facet.facet} changed"
        changes = list(differences(*_comparable(old, facet.shown)))
        told = [f"{_place(facet, loc)}{what}" for loc, what in changes[:_SHOWN_CHANGES]]
        more = len(changes) - len(told)
        return "; ".join(told or [f"{facet.file}: {facet.facet} changed"]) + (
            f"; and {more} more" if more else ""
        )


def _comparable(old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two versions of a facet, with weights told by their files where both were kept so."""
    was, now = old.get("weights"), new.get("weights")
    if not isinstance(now, dict):
        return old, new
    both = isinstance(was, dict)  # earlier versions of imgassets kept the hash of all files alone
    told = [v["files" if both else "content"] if isinstance(v, dict) else v for v in (was, now)]
    return old | {"weights": told[0]}, new | {"weights": told[1]}


def differences(
    old: Any, new: Any, loc: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Fields that differ between two JSON values, each with how: added, removed, or old -> new."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(k for k in old if k not in new)]:
            yield from differences(old.get(key, _ABSENT), new.get(key, _ABSENT), (*loc, key))
    elif _lists_of_things(old, new):
        yield from _list_differences(old, new, loc)
    elif old is _ABSENT:
        yield loc, "added"
    elif new is _ABSENT:
        yield loc, "removed"
    elif old != new:
        yield loc, f"{_short(old)} -> {_short(new)}"


def _lists_of_things(old: Any, new: Any) -> bool:
    both = isinstance(old, list) and isinstance(new, list)
    return both and all(isinstance(item, dict) for item in (*old, *new))


def _list_differences(
    old: Sequence[Any], new: Sequence[Any], loc: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if len(old) == len(new):
        for index, (before, now) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, now, (*loc, index))
        return
    yield from (((*loc, i), "added") for i, item in enumerate(new) if item not in old)
    yield from (((*loc, i), "removed") for i, item in enumerate(old) if item not in new)


def _place(facet: Facet, loc: Sequence[str | int]) -> str:
    return f"{facet.file}:{facet.source.line(*_in_file(facet, loc))}: {dotted(loc)}: "


def _in_file(facet: Facet, loc: Sequence[str | int]) -> list[str | int]:
    """Prompts are told by id and stand in a list."""
    if facet.kind == "prompts" and len(loc) > 1 and loc[0] == "prompts":
        ids = [prompt.id for prompt in facet.source.document.prompts]
        if loc[1] in ids:
            return ["prompts", ids.index(str(loc[1])), *loc[2:]]
        return ["prompts"]
    return list(loc)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
