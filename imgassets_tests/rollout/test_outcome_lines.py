"""What applications write is read line by line; a bad line is told and takes no other with it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from imgassets.rollout.outcome_lines import read_outcomes

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
GOOD = '{"id": "a", "at": "2026-11-27T11:00:00Z", "arm": "candidate", "status": "ok"}'


def bad(**changes: object) -> str:
    fields = {"id": '"b"', "at": '"2026-11-27T11:00:00Z"', "arm": '"candidate"', "status": '"ok"'}
    fields |= {name: str(value) for name, value in changes.items()}
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (bad(at='"2026-11-27T11:00:00"'), "f.jsonl:2: at: a time without its zone"),
        (bad(at='"2026-11-28T11:00:00Z"'), "is not yet: here it is 2026-11-27"),
        (bad(arm='"canditate"'), "f.jsonl:2: arm: wanted: one of incumbent, candidate"),
        (bad(status='"time out"'), "f.jsonl:2: status:"),
        (bad(seconds=-1), "f.jsonl:2: seconds:"),
        (bad(secs=1), "f.jsonl:2: secs: unknown field"),
        (bad(sha256='"abc"'), "f.jsonl:2: sha256:"),
        ('{"id": "b"}', "required field is missing"),
        ("nonsense", "f.jsonl:2: not JSON"),
        ("[1]", "f.jsonl:2: no JSON object"),
    ],
)
def test_a_bad_line_is_told_with_its_place_and_fix(line: str, said: str) -> None:
    found = read_outcomes(f"{GOOD}\n{line}\n{GOOD}\n", "f.jsonl", NOW)
    assert len(found.outcomes) == 2
    (problem,) = found.problems
    assert said in str(problem)
    assert problem.fix
    assert found.lines == (line,)


def test_a_torn_last_line_waits_for_its_end() -> None:
    found = read_outcomes(f"{GOOD}\n{GOOD[:40]}", "f.jsonl", NOW)
    assert (len(found.outcomes), found.problems, found.unfinished) == (1, (), True)
    whole = read_outcomes(f"{GOOD}\n{GOOD}", "f.jsonl", NOW)
    assert (len(whole.outcomes), whole.unfinished) == (2, False)


def test_csv_names_its_fields_in_the_first_line() -> None:
    text = (
        "id,at,arm,status,seconds,user\n"
        "a,2026-11-27T11:00:00Z,candidate,ok,1.5,\n"
        "b,2026-11-27T11:00:00+00:00,incumbent,timed_out,,u1\n"
        "c,2026-11-27T11:00:00Z,candidate,ok,soon,u1\n"
        "d,2026-11-27T11:00:00Z\n"
        "e,2026-11-27T11:0"
    )
    found = read_outcomes(text, "f.csv", NOW, "csv")
    assert [(o.id, o.seconds, o.user) for o in found.outcomes] == [
        ("a", 1.5, ""),
        ("b", None, "u1"),
    ]
    assert [problem.line for problem in found.problems] == [4, 5]
    assert found.unfinished
