"""Text of a file people hand over, or in one line what the file is instead."""

from __future__ import annotations

from pathlib import Path

from imgassets.documents.problems import InvalidDocumentsError, Problem
from imgassets.documents.yamlfile import MAX_BYTES

_FIRST_BYTES = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"PK\x03\x04", "a zip archive or spreadsheet"),
    (b"\xff\xfe", "UTF-16 text; save the file as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save the file as UTF-8"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself (`git lfs pull`)"),
)


def read_text(path: Path, called: str, wanted: str, most: int = MAX_BYTES) -> str:
    r"""The text of a file without its byte-order mark, every line break as `\n`.

    Args:
        path: the file.
        called: what it should be, for messages: `JSON lines`.
        wanted: how to mend a file that is something else.
        most: largest size in bytes.

    Raises:
        InvalidDocumentsError: unreadable, too large, not UTF-8, or no text; in one line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(4096)
            if what := _instead(data):
                raise refused(path, f"not {called} but {what}", wanted)
            data += file.read(most + 1 - len(data))
    except OSError as error:
        fix = "check the path" if isinstance(error, FileNotFoundError) else "make the file readable"
        raise refused(path, error.strerror or str(error), fix) from error
    if len(data) > most:
        raise refused(path, f"larger than {most // 2**20} MiB", "split it into several files")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise refused(path, "not UTF-8 text", "save the file as UTF-8", line) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _instead(head: bytes) -> str | None:
    """What a file is that begins so; None for text."""
    if b"\0" in head and not head.startswith(tuple(first for first, _ in _FIRST_BYTES)):
        return "binary data, or text with two bytes a letter (UTF-16)"
    return next((name for first, name in _FIRST_BYTES if head.startswith(first)), None)


def refused(path: Path, message: str, fix: str, line: int = 1) -> InvalidDocumentsError:
    """One problem of a file as a whole."""
    return InvalidDocumentsError([Problem(str(path), line, "", message, fix)])
