"""Images from a provider's API: paid for once, within budget, rate and patience.

What is the same for all providers is here; how one speaks is in `ideogram` and `gemini`.
docs/hosted.md says what is promised when replies are lost and processes are killed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import tenacity
from PIL import Image

from imgassets.backends.base import BackendError, HostedError, Outcome
from imgassets.backends.hosted_image import decode, scaled
from imgassets.backends.journal import Entry, Journal
from imgassets.documents.base import fingerprint
from imgassets.documents.failures import FAILURE_MODES, ModeName
from imgassets.documents.hosted import HostedModel
from imgassets.flows import FLOWS, FlowName, MadeBy
from imgassets.images.masks import EmptyRegionError, region_box

_LONGEST_WAIT = 60.0
_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    """What a provider answered: the image itself, or a link to it, and what it says of it."""

    image: bytes | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Provider(Protocol):
    """How one API speaks. All methods raise `HostedError`, `open` raises `BackendError`."""

    def open(self) -> None:
        """Get ready; the API key is read now."""

    def ask(self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None) -> Reply:
        """Send one request, once."""

    def fetch(self, facts: dict[str, Any]) -> bytes:
        """Follow the link of a reply."""

    def complaint(
        self, flow: FlowName, inputs: dict[str, Any], facts: dict[str, Any]
    ) -> tuple[ModeName, str] | None:
        """What the reply says to have done otherwise than it was asked."""


class HostedBackend:
    """One hosted model; see `base.Backend`. Enlarges too, where its API does."""

    def __init__(self, model: HostedModel, journal: Journal, provider: Provider) -> None:
        self._model, self._limits = model, model.limits
        self._journal, self._provider = journal, provider
        self._pace = _Pace(model.limits.max_per_minute)

    def generate(self, inputs: Sequence[dict[str, Any]]) -> list[Outcome]:
        """Text to image; see `Backend`."""
        return self._all("generate", inputs, [None] * len(inputs))

    def edit(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Inpainting; see `Backend`."""
        return self._all("edit", inputs, sources)

    def upscale(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Enlarge by the provider's own upscaler."""
        return self._all("upscale", inputs, sources)

    def stylize(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Image and text to image (Ideogram calls it remix); see `Backend`."""
        return self._all("stylize", inputs, sources)

    # ---- one image -------------------------------------------------------------------------

    def _all(
        self,
        flow: FlowName,
        inputs: Sequence[dict[str, Any]],
        sources: Sequence[Image.Image | None],
    ) -> list[Outcome]:
        with ThreadPoolExecutor(self._limits.max_in_flight) as pool:
            return list(pool.map(lambda i, s: self._one(flow, i, s), inputs, sources))

    def _one(self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None) -> Outcome:
        key = fingerprint(inputs)
        try:
            self._check_asked(flow, inputs)
            entry = self._settled(key) or self._asked(key, flow, inputs, source)
            if entry.state == "answered":
                entry = self._fetched(key, entry)
            image = self._image(key, flow, inputs, source, entry)
        except HostedError as error:
            return Outcome(failure=error.mode, message=error.message)
        except BackendError:
            raise
        except Exception as error:  # ours, not the model's; the journal knows what was paid
            return Outcome(failure="machine_error", message=f"{type(error).__name__}: {error}")
        return Outcome(image, seconds=entry.seconds)

    def _check_asked(self, flow: FlowName, inputs: dict[str, Any]) -> None:
        if FLOWS[flow].made_by is MadeBy.UPSCALER:
            return
        problem = self._model.size_problem(tuple(inputs["size"]))
        if problem:
            raise HostedError("bad_request", "; ".join(problem), billed=False)
        if not FLOWS[flow].edits:
            return
        size = tuple(inputs["size"])
        try:
            for asked in (size, self._model.size_for(size)):
                region_box(inputs["region"], asked)
        except EmptyRegionError as error:
            raise HostedError("bad_document", str(error), billed=False) from None

    def _settled(self, key: str) -> Entry | None:
        """What an earlier request came to; None when it may be asked for."""
        entry = self._journal.find(key, self._limits.patience_seconds)
        if entry is None or self._may_ask(entry):
            return None
        if entry.state in ("answered", "received"):
            return entry
        mode: ModeName = entry.mode or "reply_lost"
        message = entry.message or "the process that asked ended before the reply was stored"
        hint = (
            "; it may be billed: limits.ask_again asks anew"
            if FAILURE_MODES[mode].may_be_asked_again
            else ""
        )
        raise HostedError(mode, f"{message}{hint}", billed=True)

    def _may_ask(self, entry: Entry) -> bool:
        if entry.state in ("asked", "closed"):
            lost = FAILURE_MODES[entry.mode or "reply_lost"].may_be_asked_again
            return self._limits.ask_again and lost
        return entry.state == "unbilled"

    def _asked(
        self, key: str, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None
    ) -> Entry:
        self._provider.open()  # a missing key must not leave a claim behind
        self._again(
            lambda: self._ask_once(key, flow, inputs, source),
            lambda e: e.again and (not e.billed or self._limits.ask_again),
        )
        entry = self._settled(key)
        if entry is None:
            raise HostedError("reply_lost", "its journal entry is gone", billed=True)
        return entry

    def _ask_once(
        self, key: str, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None
    ) -> None:
        self._pace.wait()
        usd = self._model.price.usd(0.0, flow)
        if not self._journal.claim(key, flow, usd, self._limits.max_usd, self._may_ask):
            self._await_other(key)
            return
        start = time.perf_counter()
        try:
            reply = self._provider.ask(flow, inputs, source)
        except HostedError as error:
            self._journal.fail(key, error)
            raise
        except Exception as error:  # no provider should; until it says otherwise, it is paid
            lost = HostedError("reply_lost", f"unforeseen {type(error).__name__}", billed=True)
            self._journal.fail(key, lost)
            raise lost from error
        seconds = time.perf_counter() - start
        if reply.image is None:
            self._journal.answer(key, reply.facts, seconds)
        else:
            self._journal.receive(key, reply.image, reply.facts, seconds)

    def _await_other(self, key: str) -> None:
        """Wait for another process's request.

        Raises:
            HostedError: it came to nothing and may be asked for again: `_again` claims it anew.
        """
        entry = self._journal.find(key, self._limits.patience_seconds)
        if entry is not None and self._may_ask(entry):
            mode: ModeName = entry.mode or "reply_lost"
            message = f"another process asked in vain: {entry.message}"
            raise HostedError(mode, message, billed=entry.state != "unbilled", again=True)

    def _fetched(self, key: str, entry: Entry) -> Entry:
        """Follow the link. What may pass leaves it as it is: the next run follows it again."""
        start = time.perf_counter()
        self._provider.open()
        try:
            data = self._again(lambda: self._provider.fetch(entry.facts), lambda e: e.again)
        except HostedError as error:
            if not error.again:
                self._journal.fail(key, error)
            raise
        seconds = entry.seconds + time.perf_counter() - start
        self._journal.receive(key, data, entry.facts, seconds)
        return Entry("received", "", "", entry.facts, seconds, entry.owner)

    def _image(
        self,
        key: str,
        flow: FlowName,
        inputs: dict[str, Any],
        source: Image.Image | None,
        entry: Entry,
    ) -> Image.Image:
        try:
            image = decode(self._journal.read(key))
        except HostedError as error:
            self._journal.fail(key, error)
            raise
        complaint = self._provider.complaint(flow, inputs, entry.facts)
        if complaint:
            raise HostedError(*complaint, billed=True)
        asked, wanted = self._sizes(flow, inputs, source)
        if image.size != asked:
            got = f"{image.width}x{image.height}"
            raise HostedError("wrong_size", f"{got} came, not {asked[0]}x{asked[1]}", billed=True)
        return scaled(image, wanted)

    def _sizes(
        self, flow: FlowName, inputs: dict[str, Any], source: Image.Image | None
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """The size the API was asked for, and the size wanted."""
        if FLOWS[flow].made_by is MadeBy.UPSCALER and source is not None:
            scale = inputs["upscaler"]["scale"]
            larger = (source.width * scale, source.height * scale)
            return larger, larger
        width, height = inputs["size"]
        return self._model.size_for((width, height)), (width, height)

    # ---- patience --------------------------------------------------------------------------

    def _again(self, call: Callable[[], T], may: Callable[[HostedError], bool]) -> T:
        """Call until it works, waiting as long as the provider says, or longer each time."""
        limits = self._limits
        jitter = tenacity.wait_random(0, limits.backoff_seconds)
        longer = tenacity.wait_exponential(limits.backoff_seconds, _LONGEST_WAIT)

        def worth_it(error: BaseException) -> bool:
            patient = isinstance(error, HostedError) and may(error)
            return patient and (getattr(error, "after", None) or 0.0) <= limits.patience_seconds

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            after = getattr(error, "after", None)
            return (longer(state) if after is None else after) + jitter(state)

        def tell(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            _log.info("%s: try %d, %s", self._model.model, state.attempt_number, error)

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(worth_it),
            wait=wait,
            stop=tenacity.stop_after_attempt(limits.attempts)
            | tenacity.stop_before_delay(limits.patience_seconds),
            before_sleep=tell,
            reraise=True,
        )(call)


class _Pace:
    """Spreads requests evenly: at most so many a minute, from all threads together."""

    def __init__(self, per_minute: int) -> None:
        self._apart = 60.0 / per_minute
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Block until the next request may be sent."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._apart
        time.sleep(turn - now)
