"""Hints at `sampling.max_sequence_length` where it cannot be what the weights were trained with.

A pipeline pads the tokens of its T5 text encoder to this length, so another one gives the network
other input than it knows: an embedded model gets no image right with the default of 256.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgassets.documents.model import Model
from imgassets.documents.problems import Problem, problem_at
from imgassets.documents.weights import (
    PACKAGE_PREFIX,
    cached_folder,
    hub_name,
    read_index,
    weights_folder,
)

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project

_FIELD = ("sampling", "max_sequence_length")
_T5 = "T5EncoderModel"
#: Pipelines that give empty tokens where the T5 text encoder is declared absent.
_FILLS_UP = "StableDiffusion3"
_THIRD = "text_encoder_3"


def hints(project: Project) -> list[Problem]:
    """A hint for each model of the endpoints in use whose length does not fit its weights."""
    used = {model for _, model in project.branches()}
    return sorted(
        hint
        for name in used
        if isinstance(project.model(name), Model)
        for hint in _of_model(project.root, project.models[name])
    )


def _of_model(root: Path, loaded: Loaded[Any]) -> Iterator[Problem]:
    model: Model = loaded.document
    folder = _folder(root, model)
    try:
        index = read_index(folder) if folder else {}
    except (OSError, ValueError):
        return  # `check` has a problem for that
    found = folder and _misfit(model, folder, index)
    if found:
        written = "max_sequence_length" in model.sampling.model_fields_set
        how = "" if written else " (its default, since it is left out)"
        length = model.sampling.max_sequence_length
        message, fix = found
        yield problem_at(loaded, _FIELD, f"{length}{how}: {message}", fix)


def _folder(root: Path, model: Model) -> Path | None:
    hub = hub_name(model.weights)
    return cached_folder(hub, model.revision) if hub else weights_folder(root, model.weights)


def _misfit(model: Model, folder: Path, index: dict[str, Any]) -> tuple[str, str] | None:
    """What does not fit, and the fix."""
    length = model.sampling.max_sequence_length
    t5 = [name for name, where in index.items() if isinstance(where, list) and _T5 in where]
    pipeline = str(model.pipeline or index.get("_class_name"))
    if length and not t5 and pipeline.startswith(_FILLS_UP) and index.get(_THIRD) == [None, None]:
        embedded = model.weights.startswith(PACKAGE_PREFIX)
        trained = "it was trained without" if embedded else "was it trained so?"
        message = f"the weights have no {_THIRD}, so it gets {length} empty tokens; {trained}"
        return message, "set it to 0" if embedded else "set it to 0, or write it down if it was"
    if not length and t5:
        return f"the weights have T5 ({t5[0]}), which gets no token", "set the trained length"
    most = min((m for name in t5 if (m := _longest(folder, name))), default=None)
    if most and length > most:
        return f"the tokenizer of {t5[0]} was made for {most} tokens", f"set it to {most} or less"
    return None


def _longest(folder: Path, encoder: str) -> int | None:
    """Tokens that the tokenizer of a text encoder was made for; None where it does not say."""
    name = encoder.replace("text_encoder", "tokenizer")
    try:
        text = (folder / name / "tokenizer_config.json").read_text(encoding="utf-8")
        found = json.loads(text)["model_max_length"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, int) and 0 < found < 1_000_000 else None
