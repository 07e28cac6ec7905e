"""The server of flags: its answers by the protocol, and that it sees a replaced file at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from imgassets.rollout import steps
from imgassets.rollout.evaluation import LiveFlags
from imgassets.rollout.ofrep import application
from imgassets.storage.rollout_files import RolloutFiles
from imgassets_tests.rollout.factories import begin, files_in, go_on, step

URL = "/ofrep/v1/evaluate/flags"


@pytest.fixture
def files(tmp_path: Path) -> RolloutFiles:
    """Cards is at 10 %."""
    files = files_in(tmp_path)
    begin(files)
    go_on(files, [1, 10])
    return files


@pytest.fixture
def client(files: RolloutFiles) -> TestClient:
    return TestClient(application(LiveFlags(files.flags)), base_url="http://127.0.0.1:8016")


def asked(client: TestClient, bucket: int, key: str = "cards") -> dict[str, Any]:
    body = {"context": {"targetingKey": "u", "bucket": bucket}}
    return client.post(f"{URL}/{key}", json=body).json()


def test_one_flag(client: TestClient) -> None:
    found = asked(client, 999)
    assert found.pop("metadata") == {
        "number": 3, "at": "2026-11-04T09:00:00.000+00:00", "event": "promote",
        "endpoint": "cards", "incumbent": "prod", "candidate": "fast", "before": "1",
        "stage": "10", "percent": 10.0, "frozen": False, "shadow": False,
    }  # fmt: skip
    assert found == {
        "key": "cards", "reason": "TARGETING_MATCH", "variant": "candidate", "value": "fast",
    }  # fmt: skip
    assert asked(client, 1000)["value"] == "prod"


def test_a_change_is_seen_by_the_next_question(client: TestClient, files: RolloutFiles) -> None:
    assert asked(client, 0)["value"] == "fast"
    steps.revert(files, step())
    found = asked(client, 0)
    assert (found["value"], found["reason"]) == ("prod", "STATIC")


def test_a_harmed_or_absent_file_keeps_the_last_good_flags(
    client: TestClient, files: RolloutFiles
) -> None:
    assert asked(client, 0)["value"] == "fast"
    for harm in (lambda: files.flags.write_text("{"), files.flags.unlink):
        harm()
        assert asked(client, 0)["value"] == "fast"
    steps.revert(files, step())
    assert asked(client, 0)["value"] == "prod"


def test_without_any_flags_the_application_is_left_to_its_default(tmp_path: Path) -> None:
    client = TestClient(application(LiveFlags(tmp_path / "no.json")), base_url="http://localhost")
    answer = client.post(f"{URL}/cards", json={})
    assert answer.status_code == 500
    assert "no flags could be read yet" in answer.json()["errorDetails"]


def test_all_flags_at_once_with_an_etag(client: TestClient, files: RolloutFiles) -> None:
    body = {"context": {"bucket": 5}}
    first = client.post(URL, json=body)
    assert [f["value"] for f in first.json()["flags"]] == ["fast"]
    again = {"If-None-Match": first.headers["etag"]}
    assert client.post(URL, json=body, headers=again).status_code == 304
    other = client.post(URL, json={"context": {"bucket": 5000}}, headers=again)
    assert other.json()["flags"][0]["value"] == "prod"
    steps.revert(files, step())
    assert client.post(URL, json=body, headers=again).json()["flags"][0]["value"] == "prod"


@pytest.mark.parametrize(
    ("key", "body", "status", "code"),
    [
        ("nothing", "{}", 404, "FLAG_NOT_FOUND"),
        ("cards", "{", 400, "PARSE_ERROR"),
        ("cards", "[" * 9000, 400, "PARSE_ERROR"),
        ("cards", '{"context": 3}', 400, "INVALID_CONTEXT"),
        ("cards", "[]", 400, "INVALID_CONTEXT"),
        ("cards", json.dumps({"context": {"x": "y" * 70_000}}), 400, "PARSE_ERROR"),
    ],
)
def test_errors_are_those_of_the_protocol(
    client: TestClient, key: str, body: str, status: int, code: str
) -> None:
    answer = client.post(f"{URL}/{key}", content=body)
    assert answer.status_code == status
    assert answer.json()["errorCode"] == code
    assert answer.json()["errorDetails"]
    assert answer.json()["key"] == key


def test_flags_of_other_tools_are_answered_by_their_type(
    client: TestClient, files: RolloutFiles
) -> None:
    document = json.loads(files.flags.read_text())
    for value in (True, 3, 0.5, {"a": 1}):
        variants = {"on": value}
        document["flags"]["other"] = {
            "state": "ENABLED", "variants": variants, "defaultVariant": "on",
        }  # fmt: skip
        files.flags.write_text(json.dumps(document))
        assert asked(client, 0, "other")["value"] == value
    document["flags"]["other"]["state"] = "DISABLED"
    files.flags.write_text(json.dumps(document))
    found = asked(client, 0, "other")
    assert (found["reason"], "value" in found) == ("DISABLED", False)


@pytest.mark.parametrize("headers", [{"host": "flags.example"}, {"origin": "https://x.example"}])
def test_no_page_of_the_web_is_answered(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post(f"{URL}/cards", json={}, headers=headers)
    assert answer.status_code == 403
