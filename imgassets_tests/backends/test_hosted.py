"""What hosted backends promise: paid once, within budget, every failure told for what it is."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.base import BackendError, HostedError, Outcome
from imgassets.backends.ideogram import ideogram_mask
from imgassets.backends.journal import Journal
from imgassets.documents.failures import ModeName
from imgassets.documents.gemini import GeminiModel
from imgassets.images.masks import region_mask
from imgassets_tests.backends.hosted_models import FAKES, asked, backend_of, model_of, provider
from imgassets_tests.fakes.drawing import draw
from imgassets_tests.fakes.faults import FAULTS, Misbehaviour, faults_of
from imgassets_tests.fakes.server import SECRET

APIS = tuple(FAKES)


def pixels(outcome: Outcome) -> np.ndarray:
    assert outcome.image is not None, f"{outcome.failure}: {outcome.message}"
    return np.asarray(outcome.image.convert("RGB"), dtype=np.int16)


def edit_of(model: Any, **changes: Any) -> dict[str, Any]:
    request = asked(model, prompt="a large blue square on white", seed=1, **changes)[0]
    return request | {
        "flow": "edit",
        "edit": model.edit.model_dump(mode="json"),
        "region": [0.0, 0.0, 0.5, 1.0],
        "source": "0" * 64,
    }


# ---- what every backend does --------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
def test_generate_gives_one_outcome_a_request_in_order(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        model = model_of(api)
        outcomes = backend_of(tmp_path, model).generate(asked(model, 5))
        for seed, outcome in enumerate(outcomes):
            want = draw("a large red circle on white", seed, (1024, 1024))
            want = want.resize((96, 96), Image.Resampling.LANCZOS)
            assert np.array_equal(pixels(outcome), np.asarray(want))
            assert outcome.seconds > 0
        assert sorted(fake.bills.values()) == [1] * 5


@pytest.mark.parametrize("api", APIS)
def test_an_edit_repaints_the_region_and_nothing_else(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api):
        model = model_of(api)
        source = draw("a small green star on beige", 3, (96, 96))
        (outcome,) = backend_of(tmp_path, model).edit([edit_of(model)], [source])
    changed = np.abs(pixels(outcome) - np.asarray(source, dtype=np.int16)).max(axis=2) > 12
    assert changed[:, :46].mean() > 0.5  # another background and object
    assert changed[:, 50:].mean() < 0.01


def test_ideogram_edits_what_is_black() -> None:
    mask = np.asarray(ideogram_mask(region_mask((0.0, 0.0, 0.5, 1.0), (8, 4))))
    assert (mask[:, :4] == 0).all()
    assert (mask[:, 4:] == 255).all()


@pytest.mark.parametrize("old", ["V_2", "V_2_TURBO"])
def test_ideogram_v2_speaks_the_older_protocol(
    old: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "ideogram") as fake:
        model = model_of("ideogram", api_model=old, rendering_speed=None)
        backend = backend_of(tmp_path, model)
        (made,) = backend.generate(asked(model, negative_prompt="blur"))
        (edited,) = backend.edit([edit_of(model)], [made.image or Image.new("RGB", (96, 96))])
        (mixed,) = backend.stylize(
            [edit_of(model) | {"stylize": {"image_weight": 40}}], [Image.new("RGB", (96, 96))]
        )
    assert not [o.message for o in (made, edited, mixed) if o.failure]
    assert [r["action"] for r in fake.requests] == ["generate", "edit", "remix"]
    assert {r["model"] for r in fake.requests} == {old}
    assert fake.requests[0]["resolution"] == "RESOLUTION_1024_1024"
    assert fake.requests[0]["negative_prompt"] == "blur"
    assert fake.requests[2]["image_weight"] == 40


def test_ideogram_v3_pins_what_the_document_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "ideogram") as fake:
        model = model_of("ideogram", rendering_speed="QUALITY", style_type="DESIGN")
        backend = backend_of(tmp_path, model)
        backend.generate(asked(model))
        (mixed,) = backend.stylize(
            [edit_of(model) | {"stylize": {"image_weight": 40}}], [Image.new("RGB", (96, 96))]
        )
    assert mixed.failure is None, mixed.message
    sent = fake.requests[0]
    assert {
        k: sent[k] for k in ("rendering_speed", "style_type", "magic_prompt", "num_images")
    } == {
        "rendering_speed": "QUALITY",
        "style_type": "DESIGN",
        "magic_prompt": "OFF",
        "num_images": "1",
    }
    assert fake.requests[1]["action"] == "remix"


def test_ideogram_upscales_at_its_own_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "ideogram"):
        model = model_of("ideogram")
        backend = backend_of(tmp_path, model)
        facts = model.upscaler.model_dump(mode="json") if model.upscaler else {}
        request = {"flow": "upscale", "upscaler": facts, "source": "1" * 64}
        (outcome,) = backend.upscale([request], [draw("a red heart on gray", 1, (96, 96))])
    assert pixels(outcome).shape == (192, 192, 3)
    assert Journal(tmp_path / ".imgassets/paid", "ideo").spent() == pytest.approx(0.05)


def test_a_negative_prompt_that_cannot_be_sent_is_refused_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "ideogram") as fake:
        model = model_of("ideogram")
        source = Image.new("RGB", (96, 96))
        (outcome,) = backend_of(tmp_path, model).edit(
            [edit_of(model, negative_prompt="blur")], [source]
        )
    assert outcome.failure == "bad_request"
    assert not fake.posts


# ---- faults -------------------------------------------------------------------------------


@pytest.mark.parametrize(("api", "fault"), [(api, f) for api in APIS for f in faults_of(api)])
def test_each_fault_is_told_for_what_it_is(
    api: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Misbehaviour({fault: 1.0}, first_try_only=True)
    with provider(monkeypatch, api, wrong, slow_seconds=0.6) as fake:
        limits = {"timeout_seconds": 0.4 if fault in ("slow", "dripping") else 20}
        model = model_of(api, limits)
        backend = backend_of(tmp_path, model)
        (outcome,) = backend.generate(asked(model))
        (again,) = backend.generate(asked(model))
    expected = FAULTS[fault].ends_as
    if expected:
        assert outcome.failure in expected, outcome.message
        assert outcome.image is None
    else:
        assert outcome.failure is None, outcome.message
    if FAULTS[fault].billed:
        assert again.failure == outcome.failure  # the model's answer stays, and is not bought anew
    assert max(fake.bills.values(), default=0) <= 1
    assert SECRET not in outcome.message + again.message
    assert not fake.leaks


@pytest.mark.parametrize("api", APIS)
def test_a_provider_that_is_away_is_unreachable_and_costs_nothing(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api):
        pass
    model = model_of(api, {"attempts": 2})
    (outcome,) = backend_of(tmp_path, model).generate(asked(model))
    assert outcome.failure == "unreachable"
    assert Journal(tmp_path / ".imgassets/paid", model.model).spent() == 0


@pytest.mark.parametrize("api", APIS)
def test_waits_as_long_as_it_is_told_and_no_longer_than_the_document_allows(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api, Misbehaviour({"rate_limited": 1.0})) as fake:
        refusal = fake.refusal("rate_limited")
        refusal.headers = {"Retry-After": "1"}
        refusal.body["error"] = {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}
        monkeypatch.setattr(fake, "refusal", lambda fault: refusal)
        patient = model_of(api, {"attempts": 2})
        start = time.monotonic()
        (outcome,) = backend_of(tmp_path, patient).generate(asked(patient))
        assert outcome.failure == "rate_limited"
        assert 1 <= time.monotonic() - start < 5
        assert sum(fake.posts.values()) == 2
        hasty = model_of(api, {"patience_seconds": 0.5})
        backend_of(tmp_path, hasty).generate(asked(hasty))
        assert sum(fake.posts.values()) == 3


# ---- money --------------------------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
def test_the_budget_stops_before_it_is_exceeded_and_goes_on_when_raised(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, api) as fake:
        poor = model_of(api, {"max_usd": 0.20})
        outcomes = backend_of(tmp_path, poor).generate(asked(poor, 6))
        assert [o.failure for o in outcomes].count("budget_exhausted") == 3
        assert sum(fake.bills.values()) == 3  # 3 x 0.06 fit into 0.20
        assert "limits.max_usd" in next(o.message for o in outcomes if o.failure)
        rich = model_of(api, {"max_usd": 0.36})
        outcomes = backend_of(tmp_path, rich).generate(asked(rich, 6))
        assert not any(o.failure for o in outcomes)
        assert sorted(fake.bills.values()) == [1] * 6


def test_all_that_ask_at_once_share_one_budget(tmp_path: Path) -> None:
    allowed, refused = [], []
    barrier = threading.Barrier(8)

    def spend(n: int) -> None:
        journal = Journal(tmp_path, "m")
        barrier.wait()
        for i in range(5):
            try:
                journal.claim(f"{n}-{i}", "generate", 0.1, 1.0, lambda _: True)
                allowed.append((n, i))
            except HostedError as error:
                refused.append(error.mode)

    threads = [threading.Thread(target=spend, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 10
    assert refused == ["budget_exhausted"] * 30
    assert Journal(tmp_path, "m").spent() == pytest.approx(1.0)


def test_a_lost_reply_is_asked_for_again_only_where_the_document_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Misbehaviour({"closed_late": 1.0}, first_try_only=True)
    with provider(monkeypatch, "gemini", wrong) as fake:
        careful = model_of("gemini")
        (outcome,) = backend_of(tmp_path, careful).generate(asked(careful))
        assert outcome.failure == "reply_lost"
        (outcome,) = backend_of(tmp_path, careful).generate(asked(careful))
        assert outcome.failure == "reply_lost"
        assert "limits.ask_again" in outcome.message
        assert sum(fake.bills.values()) == 1
        bold = model_of("gemini", {"ask_again": True})
        (outcome,) = backend_of(tmp_path, bold).generate(asked(bold))
        assert outcome.failure is None
    assert sum(fake.bills.values()) == 2
    assert Journal(tmp_path / ".imgassets/paid", "nano").spent() == pytest.approx(0.12)


@pytest.mark.parametrize("api", APIS)
def test_what_was_paid_is_had_again_without_provider_or_key(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(api)
    with provider(monkeypatch, api) as fake:
        (first,) = backend_of(tmp_path, model).generate(asked(model))
    monkeypatch.delenv(f"{api.upper()}_API_KEY")
    (second,) = backend_of(tmp_path, model).generate(asked(model))
    assert np.array_equal(pixels(first), pixels(second))
    assert second.seconds == first.seconds
    assert sum(fake.posts.values()) == 1


def test_a_link_is_followed_in_the_next_run_without_paying_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of("ideogram", {"attempts": 1})
    with provider(monkeypatch, "ideogram", Misbehaviour({"busy_download": 1.0})) as fake:
        (first,) = backend_of(tmp_path, model).generate(asked(model))
        assert first.failure == "server_error"
        (second,) = backend_of(tmp_path, model).generate(asked(model))
        assert second.failure is None
    assert sum(fake.posts.values()) == 1


def test_a_journal_that_cannot_be_written_asks_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".imgassets").write_text("a file where a folder belongs")
    with provider(monkeypatch, "ideogram") as fake:
        model = model_of("ideogram")
        with pytest.raises(BackendError, match="journal of paid requests"):
            backend_of(tmp_path, model).generate(asked(model))
    assert not fake.posts


# ---- rate, keys, addresses ----------------------------------------------------------------


def test_never_more_requests_at_a_time_than_the_document_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, most, changed = [0], [0], threading.Condition()
    with provider(monkeypatch, "ideogram") as fake:
        reply = fake.reply

        def together(asked_for: dict[str, Any], fault: str | None) -> Any:
            with changed:
                busy[0] += 1
                most[0] = max(most[0], busy[0])
                changed.notify_all()
                changed.wait_for(lambda: most[0] == 2, timeout=60)
            answer = reply(asked_for, fault)
            with changed:
                busy[0] -= 1
            return answer

        monkeypatch.setattr(fake, "reply", together)
        model = model_of("ideogram", {"max_in_flight": 2})
        backend_of(tmp_path, model).generate(asked(model, 8))
    assert most[0] == 2


def test_requests_keep_to_the_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with provider(monkeypatch, "ideogram"):
        model = model_of("ideogram", {"max_in_flight": 8, "max_per_minute": 600})
        start = time.monotonic()
        backend_of(tmp_path, model).generate(asked(model, 8))
    assert time.monotonic() - start >= 7 * 0.1


@pytest.mark.parametrize("api", APIS)
def test_a_missing_key_is_named_and_leaves_no_claim(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"{api.upper()}_API_KEY", raising=False)
    model = model_of(api)
    with pytest.raises(BackendError, match=f"{api.upper()}_API_KEY is not set"):
        backend_of(tmp_path, model).generate(asked(model))
    assert Journal(tmp_path / ".imgassets/paid", model.model).spent() == 0


@pytest.mark.parametrize("api", APIS)
def test_a_key_never_travels_in_the_clear(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{api.upper()}_API_KEY", SECRET)
    monkeypatch.setenv(f"{api.upper()}_BASE_URL", "http://ideogram.example")
    model = model_of(api)
    with pytest.raises(BackendError, match="use https"):
        backend_of(tmp_path, model).generate(asked(model))


@pytest.mark.parametrize("api", APIS)
def test_the_key_reaches_neither_log_nor_journal(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shares = dict.fromkeys(("echoes_key", "unauthorized", "closed_late"), 0.3)
    with provider(monkeypatch, api, Misbehaviour(shares)):
        model = model_of(api)
        outcomes = backend_of(tmp_path, model).generate(asked(model, 8))
    assert any(o.failure for o in outcomes)
    assert caplog.records
    assert SECRET not in caplog.text
    assert SECRET not in " ".join(o.message for o in outcomes)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_failure_modes_of_faults_are_those_of_the_contract() -> None:
    assert {mode for fault in FAULTS.values() for mode in fault.ends_as} <= set(ModeName.__args__)


def test_gemini_tells_the_region_in_words() -> None:
    model = model_of("gemini")
    assert isinstance(model, GeminiModel)
    assert model.edit is not None
    words = model.edit.words("a cat", (0.25, 0.0, 1.0, 0.5))
    assert words == "Change only what lies 25% to 0%, 100% and 50%: a cat"
