"""JUnit XML: each model a suite, each criterion a test case, the verdict one more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from imgassets.decision import Verdict
from imgassets.metrics.families import by_people

#: Characters XML 1.0 cannot carry.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(verdicts: Sequence[Verdict]) -> str:
    """Well-formed JUnit XML, UTF-8.

    A gating criterion that is broken or undecided fails, a warning that does not hold is skipped
    with its reason, as is what people have not answered. The case `verdict` fails on NO-GO and
    INCONCLUSIVE.
    """
    root = ET.Element("testsuites", name="imgassets")
    for verdict in verdicts:
        _suite(root, verdict)
    for total in ("tests", "failures", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, verdict: Verdict) -> None:
    name = _clean(f"{verdict.endpoint}.{verdict.model}")
    suite = ET.SubElement(root, "testsuite", name=name)
    case = ET.SubElement(suite, "testcase", classname=name, name="verdict", time="0")
    if verdict.verdict in ("NO-GO", "INCONCLUSIVE"):
        _note(case, "failure", verdict.verdict, verdict.sentence)
    else:
        ET.SubElement(case, "system-out").text = _clean(verdict.sentence)
    for criterion in verdict.criteria:
        case = ET.SubElement(
            suite, "testcase", classname=name, name=_clean(criterion["criterion"]), time="0"
        )
        if criterion["state"] == "passed":
            ET.SubElement(case, "system-out").text = _clean(criterion["reason"])
        elif criterion["severity"] != "gating" or _is_unanswered(criterion):
            said = f"{criterion['severity']}: {criterion['reason']}"
            ET.SubElement(case, "skipped", message=_clean(said))
        else:
            _note(case, "failure", criterion["state"], criterion["reason"])
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(1 for _ in suite.iter(tag))))


def _is_unanswered(criterion: Mapping[str, Any]) -> bool:
    """What people have not answered yet is no failure: the verdict says whether it is needed."""
    return by_people(criterion["metric"]) and criterion["state"] == "undecided"


def _note(case: ET.Element, tag: str, kind: str, text: str) -> None:
    note = ET.SubElement(case, tag, type=kind, message=_clean(text))
    note.text = _clean(text)


def _clean(text: str) -> str:
    """Without characters XML cannot carry, lone surrogates included."""
    return _FORBIDDEN.sub("\ufffd", text)
