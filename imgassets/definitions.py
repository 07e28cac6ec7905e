"""The code location: every document of the project as a branch of the graph.

Reads the project in `$IMGASSETS_PROJECT`, or the one around the working directory. Nothing heavy
is imported here; assets import what they need when they run.
"""

from __future__ import annotations

from imgassets.defs.build import build_definitions
from imgassets.documents.project import load_project
from imgassets.storage.ownership import own_home

_project = load_project()
own_home(_project.root)  # a bare `dagster dev` must not mix two projects either
defs = build_definitions(_project)
