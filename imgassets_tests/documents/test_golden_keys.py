"""Image keys and facets are what they were: nobody's images are made again by a tidied module.

After a change that is meant to remake images, or one of a shipped document, write them down anew:
`python -m imgassets_tests.documents.test_golden_keys`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from imgassets.documents import image_key
from imgassets.documents.facets import facets_of
from imgassets.documents.project import Project, load_project
from imgassets.requests import build_requests, requests_version
from imgassets_tests.documents.every_document import write_every_document

GOLDEN = Path(__file__).with_name("golden_keys.json")


def found(root: Path) -> dict[str, str]:
    """The facets of every document, and the version of all requests of each branch that fits."""
    write_every_document(root)
    project = load_project(root)
    assert project.problems == (), "\n".join(map(str, project.problems))
    image_key.installed_version.cache_clear()
    with patch.object(image_key, "version", lambda package: f"{package} 1.0"):
        versions = dict([*facets(project), *branches(project)])
    image_key.installed_version.cache_clear()
    return {what: version[:16] for what, version in versions.items()}


def facets(project: Project) -> Iterator[tuple[str, str]]:
    kinds = {
        "endpoints": project.endpoints,
        "models": project.models,
        "prompts": project.prompt_sets,
    }
    for kind, name in [(kind, name) for kind, names in kinds.items() for name in names]:
        for facet, version in facets_of(project, kind, name).items():
            yield f"{kind}/{name}: {facet}", version


def branches(project: Project) -> Iterator[tuple[str, str]]:
    for endpoint, contract in project.endpoints.items():
        for model, loaded in project.models.items():
            if all(getattr(loaded.document, flow, True) for flow in contract.document.flows):
                for device in ("cpu", "cuda"):
                    rows = build_requests(project, endpoint, model, device)
                    yield f"requests of {endpoint}/{model} on {device}", requests_version(rows)


def test_keys_and_facets_are_what_they_were(tmp_path: Path) -> None:
    assert found(tmp_path) == json.loads(GOLDEN.read_text(encoding="utf-8"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(json.dumps(found(Path(folder)), indent=1, sort_keys=True) + "\n")
