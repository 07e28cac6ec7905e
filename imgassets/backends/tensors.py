"""Whether networks got all the tensors they asked for.

diffusers and transformers only warn where a file lacks tensors, and leave those uninitialized or
random: the pictures would be judged as the model's. Here what both libraries tell of each network
(`output_loading_info`) is kept while a pipeline loads, and whatever does not agree is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_SHOWN = 3


class Network(NamedTuple):
    """A loaded network, where it came from, and what its library tells of its tensors."""

    network: Any
    where: str
    info: dict[str, Any]


@contextmanager
def recorded() -> Iterator[list[Network]]:
    """All networks that are loaded by `from_pretrained` while it is open, in order."""
    from diffusers import ModelMixin
    from transformers import PreTrainedModel

    found: list[Network] = []
    kept = [(cls, cls.__dict__["from_pretrained"]) for cls in (ModelMixin, PreTrainedModel)]
    for cls, method in kept:
        setattr(cls, "from_pretrained", _recording(method.__func__, found))  # noqa: B010
    try:
        yield found
    finally:
        for cls, method in kept:
            setattr(cls, "from_pretrained", method)  # noqa: B010


def _recording(load: Any, found: list[Network]) -> Any:
    def from_pretrained(cls: Any, where: Any, *args: Any, **options: Any) -> Any:
        # Other shapes would raise, in transformers without a name: they are told here as well.
        told = {"output_loading_info": True, "ignore_mismatched_sizes": True}
        loaded = load(cls, where, *args, **options | told)
        if not isinstance(loaded, tuple):
            return loaded
        found.append(Network(loaded[0], str(where), loaded[1]))
        return loaded[0]

    return classmethod(from_pretrained)


def disagreements(networks: Iterable[Network]) -> list[str]:
    """What is wrong with the tensors of some networks, one sentence each; empty if all is well."""
    return [sentence for network in networks if (sentence := _disagreement(network))]


def _disagreement(found: Network) -> str | None:
    network, where, info = found
    unexpected = sorted(set(info.get("unexpected_keys", ())) - _buffers(network))
    if getattr(network, "hf_quantizer", None) is not None:
        unexpected = []  # their files hold more than weights: scales and zero points
    parts = [
        f"{len(names)} {what} ({_some(names)})"
        for what, names in (
            ("missing", sorted(info.get("missing_keys", ()))),
            ("of another shape", sorted(str(entry[0]) for entry in info["mismatched_keys"])),
            ("that it does not know", unexpected),
        )
        if names
    ]
    if not parts:
        return None
    return f"{where} holds other tensors than {type(network).__name__} asks for: {', '.join(parts)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _buffers(network: Any) -> set[str]:
    """Tensors that are computed, and that older files hold nevertheless (`position_ids`)."""
    return {name for name, _ in network.named_buffers()}
