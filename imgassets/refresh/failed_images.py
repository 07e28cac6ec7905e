"""Why images failed, in the words of who should have made them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imgassets.documents.project import Project
from imgassets.flows import FLOWS
from imgassets.refresh.outputs import failed_rows
from imgassets.storage.project_home import home_of

_MOST_CHARACTERS = 300


@dataclass
class Failures:
    """Images of one endpoint and model that failed in one way.

    Attributes:
        endpoint, model, mode: names.
        message: of the first of them, on one line.
        images: how many.
    """

    endpoint: str
    model: str
    mode: str
    message: str
    images: int = 0

    def __str__(self) -> str:
        said = f": {self.message}" if self.message else ""
        plural = "image" if self.images == 1 else "images"
        return f"{self.endpoint}/{self.model}: {self.images} {plural} failed, {self.mode}{said}"


def failed_images(project: Project, branches: Iterable[tuple[str, str]]) -> list[Failures]:
    """Failures in the image tables of some branches, by failure mode, in the order of flows.

    A table that is not there, or cannot be read, has none to tell.
    """
    found: dict[tuple[str, str, str], Failures] = {}
    for endpoint, model in branches:
        for flow in project.endpoint(endpoint).flows:
            path = home_of(project.root).output((endpoint, model, FLOWS[flow].stage))
            for mode, message in failed_rows(path):
                words = " ".join(message.split())[:_MOST_CHARACTERS]
                one = Failures(endpoint, model, mode, words)
                found.setdefault((endpoint, model, mode), one).images += 1
    return list(found.values())
