"""The drift report: each stored image beside the one its request gives today."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape
from typing import Protocol

_STYLE = (
    "body{font:16px system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "figure{display:inline-block;margin:.5rem 1rem .5rem 0}"
    "img{width:256px;image-rendering:pixelated;border:1px solid #888}"
    "section{border-top:1px solid #ccc;padding-top:1rem}code{font-size:.8rem}"
)


class DriftLike(Protocol):
    """What the page shows of a drift."""

    @property
    def image_key(self) -> str:
        """Of the image that was made again."""

    @property
    def endpoint(self) -> str:
        """Whose image it is."""

    @property
    def words(self) -> str:
        """What came out differently."""

    @property
    def remade(self) -> str:
        """Where the image made again is kept."""


def drift_page(
    found: Sequence[DriftLike],
    stored: Callable[[DriftLike], bytes],
    remade: Callable[[DriftLike], bytes],
) -> str:
    """One HTML file without links to anything outside.

    Args:
        found: drifts of all branches.
        stored: PNG of the original.
        remade: PNG of today's picture.
    """
    pairs = "".join(_pair(drift, stored(drift), remade(drift)) for drift in found)
    count = f"{len(found)} image(s) drifted" if found else "No drift"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Drift</title>'
        f"<style>{_STYLE}</style><h1>{count}</h1><p>The same request was made again. "
        "The stored original is kept; verdicts that rest on it say REVIEW.</p>"
        f"{pairs}</html>"
    )


def _pair(drift: DriftLike, stored: bytes, remade: bytes) -> str:
    return (
        f"<section><h2>{escape(drift.endpoint)}: {escape(drift.words)}</h2>"
        f"{_figure(stored, 'stored')}{_figure(remade, 'made again')}"
        f"<p><code>{escape(drift.image_key)}</code></p></section>"
    )


def _figure(png: bytes, caption: str) -> str:
    data = base64.b64encode(png).decode()
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
