"""The flag: who gets which model, by the official evaluation of flagd's format."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from imgassets.rollout.flags import bucket_of, definition, entry_of
from imgassets.rollout.steps import replace_stage
from imgassets_tests.rollout.factories import at, begin, files_in, go_on

USERS = [f"user-{i}" for i in range(2000)]


def models(files_text: str, *contexts: dict[str, object]) -> list[str]:
    core = FlagdCore()
    core.set_flags(files_text)
    return [
        core.resolve_string_value("cards", "default", EvaluationContext("u", context)).value
        for context in contexts
    ]


def of_users(text: str) -> list[str]:
    return models(text, *({"bucket": bucket_of("cards", user)} for user in USERS))


def test_the_bucket_is_the_stated_hash() -> None:
    digest = hashlib.sha256(b"cards/user-1").digest()
    assert bucket_of("cards", "user-1") == int.from_bytes(digest[:8], "big") % 10_000
    assert bucket_of("cards", "J\u00fcrgen \U0001f600") < 10_000


def test_those_in_at_one_percent_stay_in(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    assert set(of_users(files.flags.read_text())) == {"prod"}
    before: set[str] = set()
    for stage in (1, 10, 50, 100):
        go_on(files, [stage])
        found = of_users(files.flags.read_text())
        inside = {user for user, model in zip(USERS, found, strict=True) if model == "fast"}
        assert before <= inside
        assert inside == {u for u in USERS if bucket_of("cards", u) < stage * 100}
        before = inside
    assert len(before) == len(USERS)


@pytest.mark.parametrize("stage", [0.5, 10, 100])
def test_a_user_without_a_bucket_gets_the_incumbent(tmp_path: Path, stage: float) -> None:
    last = replace_stage(begin(files_in(tmp_path)), stage).sealed()
    text = json.dumps({"flags": {"cards": definition(last)}})
    contexts: list[dict[str, object]] = [{}, {"bucket": None}, {"bucket": 10_000}]
    assert models(text, *contexts) == ["prod"] * 3
    assert models(text, {"bucket": 0}) == ["fast"]


def test_at_shadow_no_bucket_gets_the_candidate_and_the_flag_says_shadow(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    flag = json.loads(files.flags.read_text())["flags"]["cards"]
    assert "targeting" not in flag
    assert flag["metadata"]["shadow"] is True
    assert flag["variants"] == {"incumbent": "prod", "candidate": "fast"}
    assert models(files.flags.read_text(), {"bucket": -1}, {"bucket": ""}) == ["prod", "prod"]


def test_a_flag_tells_the_entry_it_was_written_from_and_no_other(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    go_on(files, [10])
    flag = json.loads(files.flags.read_text())["flags"]["cards"]
    assert entry_of(flag) == at(files).last
    for change in (
        {
            "targeting": {
                "if": [{"<": [{"var": ["bucket", 10000]}, 9999]}, "candidate", "incumbent"]
            }
        },
        {"state": "DISABLED"},
        {"defaultVariant": "candidate"},
        {"metadata": flag["metadata"] | {"percent": 50.0}},
        {"metadata": flag["metadata"] | {"by": "eve"}},
        {"metadata": {}},
        {"note": "hello"},
    ):
        assert entry_of(flag | change) is None, change
