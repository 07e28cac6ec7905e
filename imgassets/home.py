"""Where a project keeps everything it makes."""

from __future__ import annotations

import os
from pathlib import Path

#: File of each form of an endpoint's report, in `reports/ENDPOINT/`.
REPORT_FORMS = {
    "html": "report.html",
    "md": "summary.md",
    "junit": "junit.xml",
    "json": "report.json",
}


def home_of(root: Path) -> Path:
    """Where everything made is kept: `$IMGASSETS_HOME`, or `.imgassets/` in the project."""
    configured = os.environ.get("IMGASSETS_HOME")
    return Path(configured).resolve() if configured else root / ".imgassets"
