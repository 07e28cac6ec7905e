"""All forms of a report at once."""

from __future__ import annotations

import json
from typing import Any

from imgassets.report.inputs import ReportInput
from imgassets.report.junit import render_junit
from imgassets.report.page import render_html
from imgassets.report.summary import render_markdown


def build_report(report: ReportInput) -> dict[str, str]:
    """The files of one endpoint's report, by file name: HTML, Markdown, JUnit XML, JSON."""
    return {
        "report.html": render_html(report),
        "summary.md": render_markdown(
            report.endpoint.endpoint, report.verdicts, report.comparisons
        ),
        "junit.xml": render_junit(report.verdicts),
        "report.json": json.dumps(report_document(report), indent=2, ensure_ascii=False) + "\n",
    }


def report_document(report: ReportInput) -> dict[str, Any]:
    """The report as JSON-serialisable data: verdicts, comparison rows, provenance."""
    return {
        "endpoint": report.endpoint.endpoint,
        "created": report.created,
        "verdicts": [v.to_dict() for v in report.verdicts],
        "comparisons": {model: c.records() for model, c in report.comparisons.items()},
        "provenance": json.loads(json.dumps(report.provenance, default=str)),
    }
