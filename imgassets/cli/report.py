"""`imgassets report`: prints or copies what the last validation wrote."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from imgassets.documents.project import Project
from imgassets.report.forms import REPORT_FORMS
from imgassets.storage.project_home import ProjectHome


class NoReportError(LookupError):
    """An endpoint has no report yet."""


def add_arguments(report: argparse.ArgumentParser) -> None:
    """Which report, in which form, and where to."""
    report.add_argument(
        "--endpoint", action="append", default=[], metavar="E", help="only this one (repeatable)"
    )
    report.add_argument("--format", choices=list(REPORT_FORMS), default="md", help="default: md")
    report.add_argument(
        "--out", type=Path, metavar="FILE", help="write it there instead of printing it"
    )


def run(arguments: argparse.Namespace, project: Project, home: ProjectHome) -> tuple[str, bool]:
    """What to print, and whether every verdict in it is GO.

    Raises:
        LookupError: an unknown endpoint, or one without a report.
        ValueError: several endpoints as HTML; that is one file an endpoint.
    """
    endpoints = _endpoints(project, arguments.endpoint)
    folders = {name: home.reports(name) for name in endpoints}
    texts = [
        _read(name, folder / REPORT_FORMS[arguments.format]) for name, folder in folders.items()
    ]
    well = all(_all_go(folder) for folder in folders.values())
    text = _joined(texts, arguments.format)
    if arguments.out is None:
        return text.removesuffix("\n"), well
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text, encoding="utf-8")
    return f"{', '.join(endpoints)}: {arguments.out}", well


def _endpoints(project: Project, wanted: Sequence[str]) -> list[str]:
    known = {e.endpoint for e in project.usable_endpoints()}
    for name in wanted:
        if name not in known:
            raise LookupError(f"no endpoint {name!r}; there are: {', '.join(sorted(known))}")
    return list(dict.fromkeys(wanted)) or sorted(known)


def _read(endpoint: str, path: Path) -> str:
    if not path.is_file():
        raise NoReportError(
            f"{endpoint} has no report yet; run `imgassets validate --endpoint {endpoint}` first"
        )
    return path.read_text(encoding="utf-8")


def _all_go(folder: Path) -> bool:
    verdicts = json.loads((folder / REPORT_FORMS["json"]).read_text(encoding="utf-8"))["verdicts"]
    return all(v["verdict"] == "GO" for v in verdicts)


def _joined(texts: Sequence[str], form: str) -> str:
    """One document of several: Markdown below each other, JUnit in one root, JSON in a list."""
    if len(texts) == 1:
        return texts[0]
    if form == "html":
        raise ValueError("an HTML report is one file an endpoint; name one with --endpoint")
    if form == "md":
        return "\n".join(texts)
    if form == "json":
        reports: list[Any] = [json.loads(text) for text in texts]
        return json.dumps(reports, indent=2, ensure_ascii=False) + "\n"
    return _one_junit(texts)


def _one_junit(texts: Sequence[str]) -> str:
    roots = [ET.fromstring(text) for text in texts]  # noqa: S314 - written by us
    whole = ET.Element("testsuites", name="imgassets")
    for root in roots:
        whole.extend(root)
    for total in ("tests", "failures", "skipped"):
        whole.set(total, str(sum(int(root.get(total, "0")) for root in roots)))
    ET.indent(whole)
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return declaration + ET.tostring(whole, encoding="unicode") + "\n"
