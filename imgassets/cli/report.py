"""`imgassets report`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from xml.etree import ElementTree as ET

import typer

from imgassets.cli.options import BAD_INPUT, NOT_OK, OK, Endpoints, complain, valid_project
from imgassets.documents.environment import folder_in
from imgassets.documents.project import Project
from imgassets.report.forms import REPORT_FORMS
from imgassets.report.warning import with_warning
from imgassets.storage.ownership import made_for, own_home

Form = Literal["html", "md", "junit", "json"]


class NoReportError(LookupError):
    """An endpoint has no report yet."""


def report(
    endpoint: Endpoints = [],
    form: Annotated[Form, typer.Option("--format", help="Of what is printed.")] = "md",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there instead of printing it.")
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Exit 2 where a report is out of date, or another project's."),
    ] = False,
) -> int:
    """Print the last report, for people or CI.

    Prints what the last `imgassets validate` found, as HTML, Markdown (fit for a pull request
    comment), JUnit XML or JSON. Makes nothing. A report that is out of date, or that another
    project made, is printed with a warning on top. Exit 0 when every verdict in it is GO, 1 when
    one is not, 2 when there is no report yet, or with --fresh none that is up to date.
    """
    project = valid_project()
    home = own_home(project.root)
    endpoints = _endpoints(project, endpoint)
    folders = {name: home.reports(name) for name in endpoints}
    texts = {name: _read(name, folder / REPORT_FORMS[form]) for name, folder in folders.items()}
    stale = _stale(project, endpoints)
    for name, why in stale.items():
        complain(f"{name}: {why}")
    text = _joined([with_warning(t, form, stale.get(name, "")) for name, t in texts.items()], form)
    if out is None:
        print(text.removesuffix("\n"))
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        print(f"{', '.join(endpoints)}: {out}")
    if fresh and stale:
        return BAD_INPUT
    return OK if all(_all_go(folder) for folder in folders.values()) else NOT_OK


def _endpoints(project: Project, wanted: Sequence[str]) -> list[str]:
    from imgassets.refresh.selection import Selection

    names = dict.fromkeys(e for e, _ in Selection(tuple(wanted)).branches(project))
    return list(names) if wanted else sorted(names)


def _stale(project: Project, endpoints: Sequence[str]) -> dict[str, str]:
    """Why reports cannot be taken for what is true of this project now, by endpoint."""
    home, mend = own_home(project.root), "run `imgassets validate`"
    other = made_for(project.root)
    if other is not None:
        found = f"this report was made by the project {other}, not by {project.root}; {mend}"
        return dict.fromkeys(endpoints, found)
    if not (folder_in("DAGSTER_HOME") or home.dagster).is_dir():
        found = f"no run of this project is known that made this report; {mend}"
        return dict.fromkeys(endpoints, found)
    from imgassets.defs import headless
    from imgassets.refresh.dagster_runs import open_instance
    from imgassets.refresh.selection import Selection

    with open_instance(project.root) as instance:
        why = headless.outdated_reports(project, instance, Selection(tuple(endpoints)))
    return {name: f"this report is out of date: {reason}; {mend}" for name, reason in why.items()}


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
