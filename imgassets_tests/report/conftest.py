"""One made-up report for all tests of the room: rendering it is what takes time."""

from __future__ import annotations

import pytest

from imgassets.report.build import build_report
from imgassets.report.inputs import ReportInput
from imgassets_tests.report.factories import BASE, report_input


@pytest.fixture(scope="session")
def made_up() -> ReportInput:
    """A NO-GO, a candidate close to the incumbent, a REVIEW, and production itself."""
    return report_input(("tiny-turbo", "tiny-detail", "hosted-three", BASE), prompts=60)


@pytest.fixture(scope="session")
def files(made_up: ReportInput) -> dict[str, str]:
    return build_report(made_up)


@pytest.fixture(scope="session")
def page(files: dict[str, str]) -> str:
    return files["report.html"]
