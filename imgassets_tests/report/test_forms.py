"""Markdown, JUnit XML and JSON."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from imgassets.decision import Verdict, compare, decide
from imgassets.report.diff import changes
from imgassets.report.inputs import ReportInput
from imgassets.report.junit import render_junit
from imgassets.report.summary import render_markdown
from imgassets_tests.decision.factories import BASE, endpoint, measured

HOSTILE = "<b>|`x`\x00\x1b[31m\ud800 [a](http://x) @everyone"


def hostile_verdict() -> Verdict:
    criterion = {
        "criterion": HOSTILE, "metric": "typography.exact", "flow": "generate",
        "severity": "gating", "statistic": "mean", "state": "broken", "passed": False,
        "reason": HOSTILE, "value": 0.1,
    }  # fmt: skip
    return Verdict(
        endpoint="hero", model=HOSTILE, incumbent="b", verdict="NO-GO",
        decided_by=(HOSTILE,), sentence=f"NO-GO: {HOSTILE}", criteria=(criterion,),
    )  # fmt: skip


def test_all_forms_are_written(files: dict[str, str]) -> None:
    assert set(files) == {"report.html", "summary.md", "junit.xml", "report.json"}


def test_junit_counts_what_it_holds(files: dict[str, str], made_up: ReportInput) -> None:
    """A suite a model; broken and undecided gating criteria fail, and so does the verdict."""
    root = ET.fromstring(files["junit.xml"])  # noqa: S314 - written by us
    assert len(root) == len(made_up.verdicts)
    for suite, verdict in zip(root, made_up.verdicts, strict=True):
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases) == len(verdict.criteria) + 1
        failing = [
            c for c in verdict.criteria if c["severity"] == "gating" and c["state"] != "passed"
        ]
        blocked = verdict.verdict in ("NO-GO", "INCONCLUSIVE")
        assert int(suite.get("failures", "")) == len(failing) + blocked
        first = cases[0].find("failure")
        assert (first is not None) == blocked
        assert first is None or first.get("message") == verdict.sentence
    assert int(root.get("tests", "")) == sum(len(v.criteria) + 1 for v in made_up.verdicts)


def test_junit_is_well_formed_whatever_comes_in() -> None:
    """Control characters, lone surrogates and markup survive as text or as a placeholder."""
    root = ET.fromstring(render_junit([hostile_verdict()]).encode())  # noqa: S314
    message = root.find(".//failure").get("message")
    assert "<b>|`x`" in message
    assert "\x00" not in message


def test_markdown_shows_every_verdict(files: dict[str, str], made_up: ReportInput) -> None:
    summary = files["summary.md"]
    for verdict in made_up.verdicts:
        assert f"**{verdict.verdict}**" in summary
    assert "at most 10 points worse" in summary
    assert summary.count("<details>") == summary.count("</details>") == len(made_up.verdicts)


def test_tables_keep_their_headings_where_tags_are_not_shown(files: dict[str, str]) -> None:
    """Dagster's UI shows no `details`: each table follows a heading with the model's name."""
    lines = [x for x in files["summary.md"].splitlines() if x and not x.startswith("<")]
    for number, line in enumerate(lines):
        if line.startswith("| Criterion"):
            assert lines[number - 1].startswith("### ")
            assert lines[number - 1].split(":")[0][4:] in line


def test_markdown_cannot_be_broken_out_of() -> None:
    """No cell, tag, link or mention comes from outside text."""
    line = render_markdown("hero", [hostile_verdict()], {}).splitlines()[4]
    assert line.replace("\\|", "").count("|") == 4
    assert "<b>" not in line
    assert "](" not in line
    assert "@everyone" not in line


def test_a_folded_table_is_named_in_html(made_up: ReportInput) -> None:
    """Markdown is not read within a tag: no backslash is shown, and no other tag gets in."""
    comparison = made_up.comparisons["tiny-turbo"]
    one = hostile_verdict().model_copy(update={"model": "tiny-base"})
    text = render_markdown("hero", [one, hostile_verdict()], {
        "tiny-base": comparison, HOSTILE: comparison,
    })  # fmt: skip
    plain, hostile = (x for x in text.splitlines() if x.startswith("<summary>"))
    assert plain == "<summary>tiny-base: all criteria</summary>"
    assert hostile.startswith("<summary>&lt;b&gt;|`x`\ufffd")
    assert hostile.count("<") == 2
    assert "@everyone" not in hostile


def test_what_asks_for_a_person_has_a_title_of_its_own() -> None:
    """Neither a contradiction of two metrics nor a limit only just held is called the metric."""
    one, two = "typography.exact", "typography.words"
    contract = endpoint(
        [{"metric": one, "floor": 0.5}],
        flows=["generate"],
        review={
            "near": [{"metric": one, "within": 0.1}],
            "disagree": [{"metrics": [one, two], "max_rate": 0.2}],
        },
    )
    base = measured(BASE, dict.fromkeys((one, two), lambda p, s: float(p % 9 > 0)), range(60))
    comparison = compare(contract, base)
    verdict = decide(comparison)
    text = render_markdown("hero", [verdict], {BASE: comparison})
    cells = [x.split(" | ")[0] for x in text.splitlines() if x.startswith("| Exact text")]
    assert cells == [
        "| Exact text",
        "| Exact text near its limit, review only",
        "| Exact text and words that can be read contradict, review only",
    ]
    moved = changes({}, {"comparisons": {BASE: comparison.records()}}).criteria
    assert [change.what.partition(": ")[2] for change in moved][:3] == [
        "Exact text",
        "Exact text near its limit",
        "Exact text and words that can be read contradict",
    ]


def test_json_is_strict(files: dict[str, str], made_up: ReportInput) -> None:
    """No NaN; verdicts and rows as they are."""
    document = json.loads(files["report.json"], parse_constant=lambda name: 1 / 0)
    assert [v["verdict"] for v in document["verdicts"]] == [v.verdict for v in made_up.verdicts]
    assert set(document["comparisons"]) == set(made_up.comparisons)
    assert Verdict.model_validate(document["verdicts"][0]) == made_up.verdicts[0]
