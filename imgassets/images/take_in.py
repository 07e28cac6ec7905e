"""Files from outside taken in or refused: every input ends in exactly one of two lists."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from imgassets.documents.contract import Endpoint
from imgassets.documents.project import read_document
from imgassets.documents.sources import SourceRules
from imgassets.images.encoding import encode_png
from imgassets.images.errors import RefusedError, readable
from imgassets.images.intake import ANY_SOURCE, read_file
from imgassets.images.normalize import Normalized, normalize
from imgassets.images.outputs import OutputFolder

#: From a file's bytes to the image that is written.
Convert = Callable[[bytes], Normalized]


@dataclass(frozen=True)
class Accepted:
    """An input that was taken in: where its PNG is, and what was done to it."""

    input: str
    output: str
    done: tuple[str, ...]

    def __str__(self) -> str:
        done = f"  ({', '.join(self.done)})" if self.done else ""
        return f"ok    {readable(self.input)} -> {self.output}{done}"


@dataclass(frozen=True)
class Refused:
    """An input that was not taken in, and why."""

    input: str
    reason: str

    def __str__(self) -> str:
        return f"FAIL  {readable(self.input)}: {self.reason}"


@dataclass(frozen=True)
class TakenIn:
    """What became of the inputs, each in one list, in the order given."""

    accepted: tuple[Accepted, ...]
    refused: tuple[Refused, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [str(item) for item in (*self.accepted, *self.refused)]
        return "\n".join([*lines, f"{len(self.accepted)} accepted, {len(self.refused)} refused"])


def rules_of(contract: Path | None) -> SourceRules:
    """A contract's `accepts`; without one, everything that can be converted is.

    Raises:
        InvalidDocumentsError: the file is no valid contract.
    """
    return ANY_SOURCE if contract is None else read_document(contract, Endpoint).accepts


def inputs_of(arguments: Iterable[str], standard_input: IO[str]) -> Iterator[str]:
    """Paths as given; `-` stands for those on standard input, one a line, of any encoding."""
    for argument in arguments:
        if argument != "-":
            yield argument
            continue
        raw = getattr(standard_input, "buffer", None)
        lines = standard_input if raw is None else map(os.fsdecode, raw)
        yield from (path for line in lines if (path := line.rstrip("\n")))


def take_in(
    inputs: Iterable[str], out: Path, convert: Convert, rules: SourceRules, workers: int
) -> TakenIn:
    """Convert files and write them as PNG without metadata.

    Args:
        inputs: paths, of any content; read as they come.
        out: folder for the outputs, made where it is missing.
        convert: such as `normalize`; raises `RefusedError` for what it does not take.
        rules: the contract's; here its limit on file sizes.
        workers: files under way at once; the memory of as many images is needed.

    Raises:
        OSError: the folder cannot be made.
    """
    folder = OutputFolder(out)

    def converted(path: str) -> tuple[bytes, tuple[str, ...]] | str:
        try:
            found = convert(read_file(path, rules))
            return encode_png(found.image), found.done
        except RefusedError as error:
            return str(error)
        except MemoryError:
            return "cannot be decoded: not enough memory"

    results = [
        _written(folder, path, result) for path, result in _in_order(converted, inputs, workers)
    ]
    return TakenIn(
        tuple(r for r in results if isinstance(r, Accepted)),
        tuple(r for r in results if isinstance(r, Refused)),
    )


def _written(
    folder: OutputFolder, path: str, result: tuple[bytes, tuple[str, ...]] | str
) -> Accepted | Refused:
    if isinstance(result, str):
        return Refused(path, result)
    png, done = result
    try:
        return Accepted(path, str(folder.put(Path(path).stem, png)), done)
    except OSError as error:  # a full disk is no fault of the input, but it is not accepted either
        return Refused(path, f"the output cannot be written: {error.strerror or error}")


def _in_order(
    work: Callable[[str], Any], items: Iterable[str], workers: int
) -> Iterator[tuple[str, Any]]:
    """Items with their results, in order. Decoders and encoders release the GIL."""
    waiting: deque[tuple[str, Future[Any]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) > workers:
                path, future = waiting.popleft()
                yield path, future.result()
        while waiting:
            path, future = waiting.popleft()
            yield path, future.result()


def normalize_files(inputs: Iterable[str], out: Path, rules: SourceRules) -> TakenIn:
    """`take_in` of `normalize`, on all cores."""
    return take_in(inputs, out, lambda data: normalize(data, rules), rules, os.cpu_count() or 1)
