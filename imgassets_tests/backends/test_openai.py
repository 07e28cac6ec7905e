"""Backend openai: what is sent by the official SDK, keys and addresses, and what replies mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.openai_images import openai_mask
from imgassets.documents.openai import OpenAIModel
from imgassets_tests.backends.hosted_models import ask, asked, backend_of, model_of, provider
from imgassets_tests.fakes.server import SECRET, http


def sent_of(root: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> dict[str, Any]:
    """What the server understood of one generation."""
    with provider(monkeypatch, "openai") as fake:
        model = model_of("openai", **changes)
        (made,) = backend_of(root, model).generate(asked(model, negative_prompt=""))
    assert made.failure is None, made.message
    return fake.requests[0]


def test_what_the_document_says_is_sent_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = sent_of(tmp_path / "plain", monkeypatch, quality=None, seed_parameter=None)
    assert plain == {
        "model": "gpt-image-1",
        "prompt": "a large red circle on white",
        "n": 1,
        "size": "1024x1024",
    }
    full = {"quality": "high", "background": "opaque", "output_format": "png"}
    sent = sent_of(tmp_path / "full", monkeypatch, **full, extra={"steps": 4})
    assert sent == plain | full | {"steps": 4, "seed": 0}


def test_an_edit_sends_source_mask_and_parameters_as_a_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "openai") as fake:
        model = model_of("openai", edit={"input_fidelity": "high"}, extra={"steps": 4})
        request = asked(model, region=[0.0, 0.0, 0.5, 1.0])[0]
        request |= {"flow": "edit", "edit": {"input_fidelity": "high"}}
        (made,) = backend_of(tmp_path, model).edit([request], [Image.new("RGB", (96, 96))])
    assert made.failure is None, made.message
    sent = fake.requests[0]
    assert {"image", "mask"} <= sent.keys()
    assert (sent["input_fidelity"], sent["steps"], sent["seed"]) == ("high", "4", "0")


def test_what_is_transparent_is_edited() -> None:
    alpha = np.asarray(openai_mask(Image.new("RGB", (8, 4)), [0.0, 0.0, 0.5, 1.0]))[:, :, 3]
    assert (alpha[:, :4] == 0).all()
    assert (alpha[:, 4:] == 255).all()


def test_an_image_by_link_is_had_without_showing_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "openai") as fake:
        model = model_of("openai", extra={"response_format": "url"})
        (made,) = backend_of(tmp_path, model).generate(asked(model))
    assert made.image is not None, made.message
    assert not fake.leaks


def test_a_negative_prompt_is_sent_where_the_server_has_a_name_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "openai") as fake:
        plain = model_of("openai")
        (refused,) = backend_of(tmp_path, plain).generate(asked(plain, negative_prompt="blur"))
        assert refused.failure == "bad_request"
        assert not fake.posts
        named = model_of("openai", negative_prompt_parameter="negative_prompt")
        (made,) = backend_of(tmp_path, named).generate(asked(named, negative_prompt="blur"))
    assert made.failure is None, made.message
    assert fake.requests[0]["negative_prompt"] == "blur"


def test_a_server_on_this_machine_never_sees_the_key_of_openai(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(monkeypatch, "openai") as fake:
        monkeypatch.setenv("OPENAI_BASE_URL", "https://nowhere.invalid")
        model = model_of("openai", base_url=f"{fake.url}/v1")
        (made,) = backend_of(tmp_path, model).generate(asked(model))
        assert made.failure == "unauthorized"  # this one wants a key
        monkeypatch.setenv("LOCAL_API_KEY", SECRET)
        keyed = model_of("openai", base_url=f"{fake.url}/v1", api_key_variable="LOCAL_API_KEY")
        (made,) = backend_of(tmp_path, keyed).generate(asked(keyed))
    assert made.failure is None, made.message


@pytest.mark.parametrize(
    ("status", "code", "mode", "tries"),
    [
        (429, "insufficient_quota", "out_of_credit", 1),
        (429, "rate_limit_exceeded", "rate_limited", 2),
        (400, "billing_hard_limit_reached", "out_of_credit", 1),
        (400, "content_policy_violation", "refused_safety", 1),
        (400, "moderation_blocked", "refused_safety", 1),
        (400, "invalid_size", "bad_request", 1),
        (500, "moderation_blocked", "server_error", 2),
        (404, "model_not_found", "model_retired", 1),
    ],
)
def test_what_an_error_says_of_itself_is_heeded(
    status: int, code: str, mode: str, tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"error": {"message": "no", "type": "x", "param": None, "code": code}})
    with provider(monkeypatch, "openai") as fake:
        fake.answers = [http(status, body.encode())] * 2
        outcome, journal = ask(tmp_path, "openai")
        assert len(fake.answers) == 2 - tries
    assert outcome.failure == mode, outcome.message
    assert journal.spent() == 0


def test_the_largest_example_of_another_server_is_a_valid_document() -> None:
    """As docs/hosted.md has it."""
    model = model_of(
        "openai",
        base_url="https://acme.example/openai/v1/",
        api_key_variable="AZURE_OPENAI_API_KEY",
        extra={"num_inference_steps": 4},
    )
    assert isinstance(model, OpenAIModel)
    assert not model.needs_no_key
