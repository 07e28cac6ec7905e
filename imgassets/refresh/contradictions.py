"""Images of folders whose files say something else than they are said to be.

Backends note it in the record of an image (`images.generator_notes`); here it is gathered by model,
to be told to people. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imgassets.documents.folder import FolderModel
from imgassets.documents.project import Project
from imgassets.flows import FLOWS
from imgassets.refresh.outputs import usable_keys
from imgassets.storage.image_store import CorruptEntryError, ImageStore
from imgassets.storage.project_home import home_of

_MOST_CHARACTERS = 400
_TOLD = 3


@dataclass(frozen=True)
class Contradicted:
    """Images of one endpoint and model whose files contradict what is said of them.

    Attributes:
        endpoint, model: names.
        images: how many there are.
        said: of each that contradicts, its file and what is written there.
    """

    endpoint: str
    model: str
    images: int
    said: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.endpoint}/{self.model}: {self.in_words(1)}"

    def in_words(self, most: int = _TOLD) -> str:
        """How many, and the first of them."""
        plural = "contradicts" if len(self.said) == 1 else "contradict"
        more = len(self.said) - most
        rest = f"; and {more} more" if more > 0 else ""
        return (
            f"{len(self.said)} of {self.images} images {plural} what is said of them "
            f"(manifest or file names), e.g. {'; '.join(self.said[:most])}{rest}"
        )


def contradicted_images(
    project: Project, store: ImageStore, branches: Iterable[tuple[str, str]]
) -> list[Contradicted]:
    """Those of models that are folders; models without any are left out."""
    found = []
    for endpoint, model in branches:
        if not isinstance(project.model(model), FolderModel):
            continue
        keys: dict[str, None] = {}
        for flow in project.endpoint(endpoint).flows:
            path = home_of(project.root).output((endpoint, model, FLOWS[flow].stage))
            keys |= dict.fromkeys(usable_keys(path))
        said = tuple(text for key in keys if (text := _said(store, key)))
        if said:
            found.append(Contradicted(endpoint, model, len(keys), said))
    return found


def _said(store: ImageStore, key: str) -> str:
    try:
        made_with = store.record(key).made_with
    except (KeyError, CorruptEntryError):
        return ""
    found = made_with.get("contradicts")
    if not isinstance(found, list) or not found:
        return ""
    text = f"{made_with.get('file')}: {'; '.join(map(str, found))}"
    plain = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return plain[:_MOST_CHARACTERS]
