"""What the recognizer can read at all: the letters of its own dictionary.

A text with a character that is not in it can never be read right, however well it is drawn. Such
a text cannot be judged; blaming the model would be wrong. The dictionary lies in the metadata of
the recognizer's file, so another recognizer brings another one.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence

from imgassets.documents.visible_text import pieces


class UnreadableTextError(ValueError):
    """The text asked for has characters that the reader has no letters for.

    Args:
        missing: these characters.
    """

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"the reader has no letters for {in_words(missing)}")


def unreadable(text: str) -> list[str]:
    """The characters of a text that the recognizer can never report, each once, in order.

    A character is readable if it, or its comparable form, is in the dictionary.
    """
    if text.isascii():  # all in the dictionary, and no model has to be opened for it
        return []
    known = dictionary()
    missing = [c for c, form in pieces(text) if c not in known and not known.issuperset(form)]
    return list(dict.fromkeys(missing))


def in_words(missing: Sequence[str]) -> str:
    """The characters, and the scripts they are of: `'Ж', 'Д' (Cyrillic)`."""
    shown = ", ".join(map(repr, missing[:5]))
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    scripts = dict.fromkeys(
        unicodedata.name(c, "unnamed").split()[0].capitalize() for c in missing if c.isalpha()
    )
    return shown + more + (f" ({', '.join(scripts)})" if scripts else "")


@functools.cache
def dictionary() -> frozenset[str]:
    """Every character that the recognizer can report.

    Raises:
        ReaderUnavailableError: rapidocr, onnxruntime or the bundled model is missing.
    """
    # Only for letters beyond ASCII: neither is light, and every command checks prompts.
    from onnxruntime import InferenceSession

    from imgassets.judges.ocr import recognizer_file

    session = InferenceSession(str(recognizer_file()), providers=["CPUExecutionProvider"])
    listed = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    return frozenset(listed) | {" "}
