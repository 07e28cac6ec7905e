"""From requests to a table of images: what the store has is taken, the rest is made and stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imgassets.backends.base import Outcome
from imgassets.backends.batches import Batch, Engine, InProcess
from imgassets.backends.batches import Make as Make
from imgassets.backends.image_rows import OK, RECORD_COLUMNS, REQUEST_COLUMNS, ImageRow
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int], None]


def make_images(
    requests: Sequence[Request],
    store: ImageStore,
    make: Make | Engine,
    *,
    batch_size: int,
    progress: Progress,
) -> tuple[pd.DataFrame, int]:
    """Make what is missing; return the table of all, and how many were made now.

    A batch is stored while the next one is made, so that a GPU does not wait for PNG and disk; an
    interrupted run goes on where it was, at most two batches back (of each worker, where an engine
    has several).
    A failed image is a row with its failure mode in `status`; the others go on.

    Args:
        requests: of one flow and model.
        store: where images are looked for and kept.
        make: called with at most `batch_size` requests' inputs and their source images; or an
            engine that spreads such batches.
        batch_size: how many to ask for at once.
        progress: called with (done, missing) at the start, and whenever a batch is stored.

    Raises:
        StoreError: the store cannot be written; what was finished is kept.
    """
    intact = store.intact_among(list(dict.fromkeys(r.image_key for r in requests)))
    missing = {r.image_key: r for r in requests if r.image_key not in intact}
    failures = dict(_without_source(missing.values(), store))
    ready = [r for key, r in missing.items() if key not in failures]
    engine = make if isinstance(make, Engine) else InProcess(make)
    failures |= _make_and_keep(ready, store, engine, batch_size, progress)
    made = len(missing) - len(failures)
    return image_table(requests, store, failures), made


def _make_and_keep(
    requests: Sequence[Request],
    store: ImageStore,
    engine: Engine,
    batch_size: int,
    progress: Progress,
) -> dict[str, Outcome]:
    """Make images in batches, and store each batch while the next ones are made; the failures."""
    failures: dict[str, Outcome] = {}
    waiting: deque[tuple[int, Future[None]]] = deque()
    done = 0

    def finish_oldest() -> None:
        nonlocal done
        size, stored = waiting.popleft()
        stored.result()
        done += size
        progress(done, len(requests))

    if requests:
        progress(0, len(requests))
    starts = range(0, len(requests), batch_size)
    batches = [Batch(requests[start : start + batch_size], store) for start in starts]
    # Left early, it still waits for what was begun.
    with ThreadPoolExecutor(1, "store") as keeper:
        for batch, outcomes in engine.run(batches):
            both = list(zip(batch.requests, outcomes, strict=True))
            failures |= {r.image_key: o for r, o in both if o.image is None}
            waiting.append((len(both), keeper.submit(_keep, store, both)))
            if len(waiting) > engine.workers:
                finish_oldest()
        while waiting:
            finish_oldest()
    return failures


def _without_source(
    requests: Iterable[Request], store: ImageStore
) -> Iterable[tuple[str, Outcome]]:
    asked = list(requests)
    there = store.intact_among(list(dict.fromkeys(r.source_key for r in asked if r.source_key)))
    for request in asked:
        if request.source_key and request.source_key not in there:
            yield (
                request.image_key,
                Outcome(
                    failure="source_missing",
                    message=f"the source image {request.source_key[:12]} is not in the store",
                ),
            )


def _keep(store: ImageStore, made: Iterable[tuple[Request, Outcome]]) -> None:
    for request, outcome in made:
        if outcome.image is None:
            continue
        store.put(
            request.image_key,
            outcome.image,
            request=request.inputs,
            **outcome.making(),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )


def image_table(
    requests: Sequence[Request], store: ImageStore, failures: dict[str, Outcome]
) -> pd.DataFrame:
    """One row a request, with what the store knows of its image or how it failed."""
    import pandas as pd  # not at the top: planning reads this module, and does without pandas

    store.fetch_records([r.image_key for r in requests if r.image_key not in failures])
    rows = [_row(request, store, failures.get(request.image_key)) for request in requests]
    return pd.DataFrame([row.cells() for row in rows], columns=list(ImageRow.columns()))


def _row(request: Request, store: ImageStore, failure: Outcome | None) -> ImageRow:
    asked = {name: getattr(request, name) for name in REQUEST_COLUMNS}
    if failure is not None:
        return ImageRow(**asked, status=failure.failure or "", message=failure.message)
    record = store.record(request.image_key)
    made = {name: getattr(record, name) for name in RECORD_COLUMNS}
    return ImageRow(**asked, status=OK, message="", **made)
