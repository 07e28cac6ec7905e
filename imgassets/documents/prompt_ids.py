"""Names for prompts of files that give none: made of their words, so that they stay the same.

A number would change for every prompt behind a line that is put in or taken out, and results are
compared by it across runs.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter

#: Leaves room for a count within the 64 characters of a name.
_MOST = 54
_HASH = 8
_SPACES = re.compile(r"\s+")


def ids_of(texts: list[str]) -> list[str]:
    """One name for each text, all different: its words, `a-red-apple`.

    Where the words are too many, or those of another text as well, a hash of the text follows. A
    text that comes again is counted.
    """
    plain = [_SPACES.sub(" ", text).strip() for text in texts]
    shared = Counter(_slug(text) for text in set(plain))
    times: Counter[str] = Counter()
    found = []
    for text in plain:
        slug = _slug(text)
        hashed = shared[slug] > 1 or not 0 < len(slug) <= _MOST
        name = f"{_cut(slug)}-{_digest(text)}" if hashed else slug
        times[name] += 1
        found.append(name if times[name] == 1 else f"{name}-again-{times[name]}")
    return found


def _slug(text: str) -> str:
    """Words and numbers of a text in our alphabet, joined by hyphens."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", letters.replace("'", "")))


def _cut(slug: str) -> str:
    """As many whole words as leave room for the hash."""
    most = _MOST - _HASH - 1
    if len(slug) > most:
        slug = slug[: most + 1].rpartition("-")[0] or slug[:most]
    return slug or "prompt"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]
