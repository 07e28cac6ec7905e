"""What image generators write into their PNG files, read as provenance.

Known are AUTOMATIC1111's `parameters` (prompt, a line of `Negative prompt:`, a line of settings),
ComfyUI's `prompt` (its graph as JSON) and InvokeAI's `invokeai_metadata` (JSON). Nothing of it is
believed: it is shown, and held against what a manifest says.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image

_SETTING = re.compile(r"\b(Steps|Sampler|CFG scale|Seed|Model hash|Model|Size): ([^,\n]+)")
_LONGEST = 100_000


@dataclass(frozen=True)
class GeneratorNotes:
    """What a file says of how it was made.

    Attributes:
        tool: who wrote it.
        prompt: None where it does not say, or says several.
        seeds: every seed it names.
        settings: others, as text.
    """

    tool: str
    prompt: str | None
    seeds: tuple[int, ...]
    settings: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self) | {"seeds": list(self.seeds)}


def read_notes(data: bytes) -> GeneratorNotes | None:
    """What is written into a PNG file; None for other formats and files that say nothing.

    Args:
        data: a file that the guard has let through.
    """
    if not data.startswith(b"\x89PNG"):
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()  # text may stand behind the pixels
            text = {k: v[:_LONGEST] for k, v in image.info.items() if isinstance(v, str)}
    except (OSError, ValueError, SyntaxError):  # text too long to unpack: the pixels were fine
        return None
    if "parameters" in text:
        return _automatic1111(text["parameters"])
    if "invokeai_metadata" in text:
        return _invokeai(_object(text["invokeai_metadata"]))
    if "prompt" in text and (graph := _object(text["prompt"])):
        return _comfyui(graph)
    return None


def contradictions(notes: GeneratorNotes, seed: int, prompt: str | None) -> list[str]:
    """Where a file says something else than it is said to be, in words."""
    found = []
    if notes.seeds and seed not in notes.seeds:
        written = ", ".join(map(str, notes.seeds))
        found.append(f"{notes.tool} wrote seed {written} into the file, not {seed}")
    if prompt is not None and notes.prompt is not None and notes.prompt.strip() != prompt.strip():
        found.append(
            f"{notes.tool} wrote another prompt into the file: {notes.prompt[:200]!r}, "
            f"not {prompt[:200]!r}"
        )
    return found


def _automatic1111(text: str) -> GeneratorNotes:
    settings = {name: value.strip() for name, value in _SETTING.findall(text)}
    prompt = re.split(r"\n(?:Negative prompt:|Steps:)", text, maxsplit=1)[0].strip()
    seed = settings.pop("Seed", "")
    seeds = (int(seed),) if seed.isdecimal() else ()
    return GeneratorNotes("AUTOMATIC1111", prompt or None, seeds, settings)


def _invokeai(said: dict[str, Any]) -> GeneratorNotes:
    seed, model = said.get("seed"), said.get("model")
    settings: dict[str, str] = {
        k: str(said[k]) for k in ("steps", "cfg_scale", "scheduler") if k in said
    }
    if isinstance(model, dict) and "name" in model:
        settings["model"] = str(model["name"])
    prompt = said.get("positive_prompt")
    return GeneratorNotes(
        "InvokeAI",
        prompt if isinstance(prompt, str) else None,
        (seed,) if isinstance(seed, int) else (),
        settings,
    )


def _comfyui(graph: dict[str, Any]) -> GeneratorNotes:
    """Several nodes may have a text or a seed; which of them counts, only the workflow knows."""
    inputs = [n["inputs"] for n in graph.values() if isinstance(n, dict) and _is_node(n)]
    seeds = [i[k] for i in inputs for k in ("seed", "noise_seed") if isinstance(i.get(k), int)]
    models = [str(v) for i in inputs for k, v in i.items() if k.endswith("_name")]
    return GeneratorNotes(
        "ComfyUI", None, tuple(dict.fromkeys(seeds)), {"files": ", ".join(models)} if models else {}
    )


def _is_node(node: dict[str, Any]) -> bool:
    return isinstance(node.get("inputs"), dict)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
