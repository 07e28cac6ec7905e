"""The reproducibility matrix for the template: ways of repeating a request against models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Found = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class RepetitionCell:
    """How one model's images came out: a word, its tone, and the numbers."""

    word: str
    tone: str
    note: str


@dataclass(frozen=True)
class RepetitionRow:
    """One way of repeating one flow."""

    how: str
    flow: str
    cells: tuple[RepetitionCell, ...]


@dataclass(frozen=True)
class RepetitionView:
    """The section; without rows nothing was measured on any model."""

    models: tuple[str, ...]
    rows: tuple[RepetitionRow, ...]


def repetition_view(models: Sequence[str], found: Found) -> RepetitionView:
    """The matrix of these models, in this order."""
    measured = {m: {(r["flow"], r["how"]): r for r in found.get(m, ())} for m in models}
    ways = dict.fromkeys(way for by_way in measured.values() for way in by_way)
    rows = tuple(
        RepetitionRow(how, flow, tuple(_cell(measured[m].get((flow, how))) for m in models))
        for flow, how in ways
    )
    return RepetitionView(tuple(models), rows)


def _cell(repetition: Mapping[str, Any] | None) -> RepetitionCell:
    if repetition is None or not repetition["images"]:
        return RepetitionCell("not measured", "none", "")
    images, device = repetition["images"], repetition["device"]
    counted = f"{repetition['identical']} of {images} bit by bit, on {device}"
    if repetition["failed"]:
        counted += f"; {repetition['failed']} failed"
    if repetition["identical"] == images:
        return RepetitionCell("identical", "good", counted)
    apart = f"{counted}; up to {repetition['max_difference']} levels apart"
    if repetition["different"]:
        return RepetitionCell("different", "bad", apart)
    return RepetitionCell("within tolerance", "open", apart)
