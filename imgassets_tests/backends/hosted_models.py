"""HostedModel model documents and requests for tests, and a fake to send them to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from imgassets.backends.base import Outcome
from imgassets.backends.hosted import HostedBackend
from imgassets.backends.journal import Journal
from imgassets.backends.registry import open_backend
from imgassets.documents.field_facets import pixel_facts
from imgassets.documents.hosted import HostedModel
from imgassets.documents.models import model_class
from imgassets_tests.fakes.faults import Misbehaviour
from imgassets_tests.fakes.gemini_api import FakeGemini
from imgassets_tests.fakes.ideogram_api import FakeIdeogram
from imgassets_tests.fakes.openai_api import FakeOpenAI
from imgassets_tests.fakes.server import SECRET, FakeProvider

PRICE = {"usd_per_image": 0.06, "source": "a test", "as_of": "2026-11-24"}
LIMITS = {
    "max_usd": 100,
    "max_in_flight": 8,
    "max_per_minute": 100_000,
    "timeout_seconds": 20,
    "attempts": 8,
    "backoff_seconds": 0.01,
    "patience_seconds": 30,
}
IDEOGRAM: dict[str, Any] = {
    "model": "ideo",
    "backend": "ideogram",
    "api_model": "V_3",
    "rendering_speed": "TURBO",
    "style_type": "GENERAL",
    "asked_size": [1024, 1024],
    "edit": {},
    "upscaler": {"kind": "ideogram"},
    "price": PRICE | {"usd_per_upscale": 0.05},
    "limits": LIMITS,
}
GEMINI: dict[str, Any] = {
    "model": "nano",
    "backend": "gemini",
    "api_model": "gemini-3.1-flash-image",
    "aspect_ratio": "1:1",
    "image_size": "1K",
    "asked_size": [1024, 1024],
    "edit": {
        "instruction": "Change only what lies {left}% to {top}%, {right}% and {bottom}%: {prompt}"
    },
    "price": PRICE,
    "limits": LIMITS,
}
OPENAI: dict[str, Any] = {
    "model": "gpt",
    "backend": "openai",
    "api_model": "gpt-image-1",
    "quality": "low",
    "seed_parameter": "seed",
    "asked_size": [1024, 1024],
    "edit": {},
    "price": PRICE,
    "limits": LIMITS,
}
FAKES: dict[str, type[FakeProvider]] = {
    "ideogram": FakeIdeogram,
    "gemini": FakeGemini,
    "openai": FakeOpenAI,
}
_DOCUMENTS = {"ideogram": IDEOGRAM, "gemini": GEMINI, "openai": OPENAI}


def model_of(api: str, limits: dict[str, Any] | None = None, **changes: Any) -> HostedModel:
    """A document; `limits` and other fields replaced."""
    data = _DOCUMENTS[api] | changes | {"limits": LIMITS | (limits or {})}
    model = model_class(data).model_validate(data)
    assert isinstance(model, HostedModel)
    return model


def asked(model: HostedModel, count: int = 1, **changes: Any) -> list[dict[str, Any]]:
    """Inputs of `generate`, as `imgassets.requests` builds them."""
    return [
        {
            "flow": "generate",
            "generator": pixel_facts(model),
            "prompt": "a large red circle on white",
            "negative_prompt": "",
            "size": [96, 96],
            "seed": seed,
            "replicate": 0,
        }
        | changes
        for seed in range(count)
    ]


@contextmanager
def provider(
    monkeypatch: pytest.MonkeyPatch, api: str, wrong: Misbehaviour | None = None, **named: Any
) -> Iterator[FakeProvider]:
    """A fake that the product finds by its environment, with the key it wants."""
    with FAKES[api](wrong, **named) as fake:
        monkeypatch.setenv(f"{api.upper()}_BASE_URL", fake.url)
        monkeypatch.setenv(f"{api.upper()}_API_KEY", SECRET)
        yield fake


def backend_of(root: Path, model: HostedModel) -> HostedBackend:
    """The model's backend, with its journal under `root`."""
    backend = open_backend(root, model, "cpu")
    assert isinstance(backend, HostedBackend)
    return backend


def ask(root: Path, api: str, **limits: Any) -> tuple[Outcome, Journal]:
    """One image asked for, at most two tries; and the journal."""
    model = model_of(api, {"attempts": 2} | limits)
    (outcome,) = backend_of(root, model).generate(asked(model))
    return outcome, Journal(root / ".imgassets/paid", model.model)
