"""Judges by the names people give on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imgassets.documents.judge import AnyJudge


def judge_named(name: str) -> tuple[Path, AnyJudge]:
    """A judge and the folder that its weights are looked for from.

    Args:
        name: of an embedded judge or one of the project's, or the path of a judge document.

    Raises:
        InvalidDocumentsError: the document cannot be used.
        LookupError: no such judge; says which there are.
    """
    from imgassets.documents.project import load_project, read_judge

    if Path(name).suffix in {".yaml", ".yml"}:
        return Path.cwd(), read_judge(Path(name))
    project = load_project()
    return project.root, project.judge(name)


def detector_of(name: str) -> Any:
    """The opened judge of composition of that name. Raises as `judge_named`.

    Raises:
        JudgeError: it cannot be loaded, or judges something else.
    """
    from imgassets.backends.device import choose_device
    from imgassets.judges.errors import JudgeError
    from imgassets.judges.registry import open_judge

    root, document = judge_named(name)
    if "composition" not in document.families:
        raise JudgeError(
            f"judge {document.judge} ({document.kind}) does not judge composition; it judges "
            f"{', '.join(document.families)}, in a contract (`judges`)"
        )
    return open_judge(root, document, choose_device("auto")[0])
