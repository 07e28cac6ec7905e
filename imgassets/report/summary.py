"""The Markdown summary for a comment on a pull request."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from imgassets.decision import Comparison, Verdict
from imgassets.decision.formatting import amount, signed
from imgassets.decision.names import title_of_row
from imgassets.flows import in_brackets
from imgassets.report.criteria_view import limits_text
from imgassets.report.diff import Change, Changes
from imgassets.report.table import judges_of

_ICONS = {"GO": "✅", "NO-GO": "❌", "REVIEW": "👀", "INCONCLUSIVE": "❔"}
_STATES = {"passed": "✅ passed", "broken": "❌ broken", "undecided": "❔ undecided"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~>-])")


def render_markdown(
    endpoint: str,
    verdicts: Sequence[Verdict],
    comparisons: Mapping[str, Comparison],
    changed: Changes | None = None,
) -> str:
    """Verdicts on top, what changed, then one folded table of criteria a model; GitHub-flavored.

    Each model has a heading of its own: where tags are not shown, as in Dagster's UI, its table
    still says whose it is.

    Text from outside (names, reasons) is escaped: it cannot add markup, links or mentions.
    """
    lines = [f"## imgassets: {plain(endpoint)}", ""]
    lines += ["| Model | Verdict | Why |", "| --- | --- | --- |"]
    for verdict in verdicts:
        why = verdict.sentence.removeprefix(f"{verdict.verdict}: ")
        word = f"{_ICONS[verdict.verdict]} **{verdict.verdict}**"
        lines.append(f"| {plain(verdict.model)} | {word} | {plain(why)} |")
    judges = judges_of(verdicts).values()
    lines += ["", *(f"Judges: {plain(said)}" for said in judges)] if judges else []
    lines += _changed(changed) if changed else []
    for verdict in verdicts:
        if verdict.model in comparisons:
            lines += _details(verdict, comparisons[verdict.model])
    return "\n".join(lines) + "\n"


def _changed(changed: Changes) -> list[str]:
    """Verdicts and documents that changed, and how many criteria moved."""
    told = [*changed.verdicts, *changed.documents]
    if not told and not changed.criteria:
        return []
    lines = ["", f"Since the report of {plain(changed.since)}:", ""]
    for change in told:
        how = change.why if change in changed.documents and change.why else ""
        lines.append(f"- {plain(change.what)}: {plain(how or _step(change))}")
    if changed.criteria:
        lines.append(f"- {len(changed.criteria)} criteria moved")
    return lines


def _step(change: Change) -> str:
    return f"{change.before} → {change.after}"


def _details(verdict: Verdict, comparison: Comparison) -> list[str]:
    head = f"<summary>{_in_tag(verdict.model)}: all criteria</summary>"
    model, rival = plain(verdict.model), f"Against {plain(verdict.incumbent)}"
    table = [
        f"| Criterion | Result | {model} | {rival} | Contract |",
        "| --- | --- | --- | --- | --- |",
    ]
    table += [_line(row) for row in comparison.records()]
    title = f"### {model}: {verdict.verdict}"
    return ["", title, "", "<details>", head, "", *table, "", "</details>"]


def _line(row: Mapping[str, Any]) -> str:
    name = title_of_row(row)
    name += in_brackets(row["flow"])
    if row["statistic"] == "worst":
        name += ", worst image"
    if row["severity"] != "gating":
        name += f", {row['severity']} only"
    difference = "" if row["difference"] is None else signed(row["difference"], row["unit"])
    cells = (
        plain(name),
        _STATES[row["state"]],
        plain(amount(row["estimate"], row["unit"])),
        plain(difference),
        plain("none allowed" if row["hard"] and row["ceiling"] == 0 else limits_text(row)),
    )
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", _single(text).replace("&", "&amp;").replace("<", "&lt;"))


def _in_tag(text: str) -> str:
    """Text within a line of HTML, where Markdown is not read and a backslash is shown."""
    return html.escape(_single(text), quote=False)


def _single(text: str) -> str:
    """One printable line that mentions nobody."""
    single = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(str(text).split()))
    return single.replace("@", "@\u200b")
