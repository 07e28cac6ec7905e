"""The forms of an endpoint's report, by the word that `imgassets report --format` takes."""

from __future__ import annotations

from imgassets.storage.project_home import REPORT_PAGE

#: File of each form, in the endpoint's folder of reports.
REPORT_FORMS = {
    "html": REPORT_PAGE,
    "md": "summary.md",
    "junit": "junit.xml",
    "json": "report.json",
}
