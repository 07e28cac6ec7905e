"""A warning on top of a report that was already written."""

from __future__ import annotations

import html

from imgassets.report.summary import plain

_HEADER = '<header class="top">'


def with_warning(text: str, form: str, why: str) -> str:
    """A report with a warning on top, where people read it; what programs read is left as it is.

    Args:
        text: the report.
        form: `html`, `md`, or another.
        why: what is wrong with it, as plain text; empty for nothing.
    """
    if not why:
        return text
    if form == "md":
        return f"> ⚠️ **Not up to date**: {plain(why)}\n\n{text}"
    if form == "html":
        said = f'<p class="stale" role="alert"><b>Not up to date</b>: {html.escape(why)}</p>'
        return text.replace(_HEADER, f"{_HEADER}\n  {said}", 1)
    return text
