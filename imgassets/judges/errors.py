"""What a judge raises where it cannot answer: the image then has no score, and the reason."""

from __future__ import annotations


class JudgeError(ValueError):
    """A judge was asked for what it cannot answer, or cannot be loaded; the message says why."""
