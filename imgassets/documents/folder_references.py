"""Whether the folder of images that a model document names is there and can be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgassets.documents.folder import FolderModel
from imgassets.documents.image_folder import folder_of
from imgassets.documents.problems import InvalidDocumentsError, Problem, problem_at

if TYPE_CHECKING:
    from imgassets.documents.models import AnyModel
    from imgassets.documents.project import Loaded, Project


def check_folder(
    project: Project, loaded: Loaded[AnyModel], model: FolderModel
) -> Iterator[Problem]:
    """Problems of the folder, and of every line of its manifest."""
    try:
        found = folder_of(project.root, model)
    except FileNotFoundError as error:
        fix = "put the images there, or correct the path (from the project root)"
        yield problem_at(loaded, ("images",), str(error), fix)
        return
    except InvalidDocumentsError as error:
        yield from error.problems
        return
    if not found.entries:
        yield problem_at(
            loaded,
            ("images",),
            f"no image in {found.root}",
            "lay them out as PROMPT_ID/SEED.png or 00000/samples/0000.png, or add manifest.csv "
            "with the columns file, prompt_id and seed",
        )
