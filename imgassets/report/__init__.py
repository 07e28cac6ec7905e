"""The report a release manager reads: one HTML file, a Markdown summary, JUnit XML and JSON.

Everything is made from `ReportInput`; the HTML file is self-contained (no script, no external
request) and stays under `page.MAX_BYTES` whatever the number of images.
"""

from imgassets.report.build import build_report
from imgassets.report.document import report_document
from imgassets.report.inputs import ImagePair, ReportError, ReportInput
from imgassets.report.junit import render_junit
from imgassets.report.page import render_html
from imgassets.report.pairs import select_pairs
from imgassets.report.summary import render_markdown

__all__ = [
    "ImagePair",
    "ReportError",
    "ReportInput",
    "build_report",
    "render_html",
    "render_junit",
    "render_markdown",
    "report_document",
    "select_pairs",
]
