"""What came of a pilot, as it is kept: one document, and a line for each request."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from imgassets.flows import FIRST, FlowName
from imgassets.storage.whole_file import write_whole

RESULT, REQUESTS, IMAGES, PICTURE, LOG = (
    "result.json", "requests.jsonl", "images", "pilot.svg", "server.jsonl",
)  # fmt: skip
#: Sent later than this is late; more than one in a hundred late, and the schedule was missed.
LATE_SECONDS, MOST_LATE = 0.05, 0.01


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class StepRow(_Kept):
    """One image on the way to the one that is delivered.

    Attributes:
        flow, image_key: what was asked for; the key says which offline image is the same request.
        began, ended: seconds from the start.
        waited, made, batch, memory_mib: as the server told; None where it did not.
        usd: by the model's price.
        here: done by the pilot's own process.
        file: of the image, in the pilot's folder; empty where there is none.
        pixels: `same` as the stored offline image, `different`, or `unknown` where none is stored.
    """

    flow: FlowName
    image_key: str
    began: float
    ended: float
    waited: float | None = None
    made: float | None = None
    batch: int | None = None
    memory_mib: float | None = None
    usd: float = 0.0
    here: bool = False
    file: str = ""
    pixels: Literal["same", "different", "unknown"] = "unknown"


class RequestRow(_Kept):
    """One request of the traffic. Times are seconds from the start.

    Attributes:
        due, sent, done: when it should have been sent, was sent, and was over.
        failure, message: the failure mode, empty where an image was delivered.
    """

    number: int
    due: float
    sent: float
    done: float
    flow: FlowName
    prompt_set: str
    prompt_id: str
    seed: int
    failure: str = ""
    message: str = ""
    steps: tuple[StepRow, ...]

    @property
    def latency(self) -> float:
        """Seconds from when it was due; infinite for a failed one, which was never answered."""
        return math.inf if self.failure else self.done - self.due

    @property
    def waited(self) -> float | None:
        """Seconds in the server's queue, over all its steps; None where the server told nothing."""
        told = [step.waited for step in self.steps if step.waited is not None]
        return sum(told) if told else None

    @property
    def usd(self) -> float:
        """Of all its steps."""
        return sum(step.usd for step in self.steps)

    @property
    def first(self) -> float | None:
        """Seconds from when it was due to the first image of its chain; None where there is none.

        What a queue that knows one step is held against.
        """
        step = self.steps[0] if self.steps else None
        return step.ended - self.due if step and step.file and step.flow == FIRST else None


class QualityRow(_Kept):
    """One criterion of the contract, on the images that came back under load."""

    criterion: str
    metric: str
    flow: FlowName
    severity: str
    state: str
    estimate: float | None
    difference: float | None
    reason: str


class PilotResult(_Kept):
    """One pilot of one model at one endpoint.

    Attributes:
        endpoint, model: names.
        started: UTC, ISO 8601.
        url: the server's address; empty where the pilot started it.
        device: device class of images and keys.
        workers: copies of the model behind the address.
        share_of: the traffic was that of one of so many workers.
        load: what was replayed, in words.
        fingerprints: of all it depends on, by what they are of (`pilot.state`).
        seconds: from the start to the last reply.
        memory_mib: highest memory of the server; None where nobody told.
        usd_rented: cost of a delivered image where the machine is paid by the hour, idle or not;
            None for prices by the image.
        service: seconds of each batch as measured offline, for the simulated queue.
        batch: most images of a batch, for the same.
        quality: criteria on the images that came back; against the incumbent's under the same
            traffic, where its pilot is there.
        compared_with: when the incumbent's pilot began that quality was held against.
        folder: where all of it is kept.
    """

    format: int = 1
    endpoint: str
    model: str
    started: str
    url: str = ""
    device: str
    workers: int
    share_of: int = 1
    load: str = ""
    fingerprints: dict[str, str]
    seconds: float = 0.0
    memory_mib: float | None = None
    usd_rented: float | None = None
    service: tuple[float, ...] = ()
    batch: int = 1
    quality: tuple[QualityRow, ...] = ()
    compared_with: str = ""


class Pilot(_Kept):
    """A result with its requests, as it is read back.

    Attributes:
        result: of the run as a whole.
        requests: in order of when they were due.
    """

    result: PilotResult
    requests: tuple[RequestRow, ...]

    @property
    def late(self) -> list[float]:
        """How late each request was sent by the pilot itself, seconds."""
        return [max(0.0, row.sent - row.due) for row in self.requests]

    @property
    def schedule_missed(self) -> bool:
        """Whether the pilot itself did not keep up with its schedule: then it shows nothing."""
        late = sum(one > LATE_SECONDS for one in self.late)
        return late > MOST_LATE * len(self.requests)

    def write(self, folder: Path) -> None:
        """Keep it in a folder that is there."""
        lines = "".join(row.model_dump_json() + "\n" for row in self.requests)
        write_whole(folder / REQUESTS, lines)
        write_whole(folder / RESULT, self.result.model_dump_json(indent=1))


def read_pilot(folder: Path) -> Pilot | None:
    """What is kept in a folder; None where nothing whole is.

    Raises:
        ValueError: it cannot be read; says which file.
    """
    if not (folder / RESULT).is_file():
        return None
    try:
        result = PilotResult.model_validate_json((folder / RESULT).read_bytes())
        lines = (folder / REQUESTS).read_text(encoding="utf-8").splitlines()
        rows = tuple(RequestRow.model_validate_json(line) for line in lines)
    except (OSError, ValueError) as error:
        raise ValueError(f"the pilot in {folder} cannot be read; run it again ({error})") from None
    return Pilot(result=result, requests=rows)
