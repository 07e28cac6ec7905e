"""All forms of a report at once."""

from __future__ import annotations

import json

from imgassets.report.document import changes_of, report_document
from imgassets.report.forms import REPORT_FORMS
from imgassets.report.inputs import ReportInput
from imgassets.report.junit import render_junit
from imgassets.report.page import render_html
from imgassets.report.summary import render_markdown


def build_report(report: ReportInput) -> dict[str, str]:
    """The files of one endpoint's report, by file name: HTML, Markdown, JUnit XML, JSON."""
    name, changed = report.endpoint.endpoint, changes_of(report)
    document = report_document(report) | {"changes": changed.to_dict() if changed else None}
    return {
        REPORT_FORMS["html"]: render_html(report),
        REPORT_FORMS["md"]: render_markdown(name, report.verdicts, report.comparisons, changed),
        REPORT_FORMS["junit"]: render_junit(report.verdicts),
        REPORT_FORMS["json"]: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
    }
