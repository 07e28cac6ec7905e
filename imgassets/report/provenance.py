"""What a result was made from: fingerprints of documents, versions, commit, machine."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any

from imgassets.documents.contract import Endpoint
from imgassets.documents.facets import facets_of
from imgassets.documents.field_facets import defaults_in_use
from imgassets.documents.labels import LabelFile
from imgassets.documents.project import Project
from imgassets.metrics.families import FAMILY_VERSIONS
from imgassets.requests import library_versions

_LIBRARIES = (
    "dagster",
    "great-expectations",
    "pillow",
    "numpy",
    "opencv-python-headless",
    "rapidocr",
)


def provenance(project: Project, endpoint: Endpoint) -> dict[str, Any]:
    """Everything needed to say later what a verdict stood on; JSON-serialisable, nested."""
    return {
        "imgassets": version("imgassets"),
        "commit": git_commit(project.root),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "libraries": library_versions() | {name: version(name) for name in _LIBRARIES},
        "metric versions": dict(FAMILY_VERSIONS),
        "settings left at their default": _defaults(project, endpoint),
        "endpoint": facets_of(project, "endpoints", endpoint.endpoint),
        "models": {m: facets_of(project, "models", m) for m in endpoint.models},
        "prompt sets": {p: facets_of(project, "prompts", p) for p in endpoint.prompt_sets},
    }


def _defaults(project: Project, endpoint: Endpoint) -> dict[str, str]:
    """Settings that change pixels and that a model document leaves out, with what they are then."""
    found = {m: defaults_in_use(project.model(m)) for m in endpoint.models}
    return {
        model: ", ".join(f"{name} {value}" for name, value in settings.items())
        for model, settings in found.items()
        if settings
    }


def labels_in_words(found: LabelFile, images: Collection[str]) -> str:
    """How many labels there are, and how many of them are of none of these images, by key."""
    stray = sum(label.image_key not in images for label in found.labels)
    lost = f"; {stray} of {len(found.labels)} labels are of images that no table holds"
    return found.words + (lost if stray else "")


def git_commit(root: Path) -> str:
    """The commit the project is at, marked when files differ from it; `unknown` outside of git."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    described = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return described.stdout.strip() or "unknown"
