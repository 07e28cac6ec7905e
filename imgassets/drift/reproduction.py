"""What making an image again is asked with, and what came of it, in words and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ReproductionOptions:
    """What to make again.

    Attributes:
        prompt: the text as the model gets it; no transform is applied.
        runs: on each device.
        seed: of all runs; None lets each draw its own.
        model: None is the incumbent of the first endpoint.
        devices: words of `choose_device`.
    """

    prompt: str
    runs: int
    seed: int | None
    model: str | None
    devices: tuple[str, ...] = ("auto",)


@dataclass(frozen=True)
class Run:
    """One image: where it was made, from which seed, and where it is."""

    run: int
    device: str
    seed: int
    seconds: float
    pixels_sha256: str
    image: str


@dataclass(frozen=True)
class Difference:
    """A run against the first one; measures of `metrics.reproducibility`.

    Attributes:
        run: number of the later run.
        same: no pixel differs.
        share: of pixels that differ, 0..1.
        max_difference: levels, 0..255.
        psnr: dB.
        ssim: of luma, -1..1.
        hash_bits: of 64.
    """

    run: int
    same: bool
    share: float
    max_difference: int
    psnr: float
    ssim: float
    hash_bits: int

    def __str__(self) -> str:
        if self.same:
            return f"run {self.run} is the same image as run 1, bit by bit"
        return (
            f"run {self.run} against run 1: {self.share:.1%} of pixels differ, by up to "
            f"{self.max_difference} levels; PSNR {self.psnr:.1f} dB, SSIM {self.ssim:.3f}, "
            f"perceptual hash {self.hash_bits} of 64 bits"
        )


@dataclass(frozen=True)
class Reproduction:
    """What came of making an image again."""

    model: str
    endpoint: str
    chosen: str
    prompt: str
    seed: int | None
    same: bool
    runs: tuple[Run, ...]
    differences: tuple[Difference, ...]
    advice: str
    pin: str | None
    picture: str
    page: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)

    def __str__(self) -> str:
        made = [
            f"  run {r.run}  {r.device}  seed {r.seed}  {r.seconds:.1f} s  {r.image}"
            for r in self.runs
        ]
        model = f"  model {self.model}: {self.chosen}"
        lines = [self.heading, model, *made, *map(str, self.differences)]
        lines += [self.advice] if self.advice else []
        lines += [f"  {self.pin}"] if self.pin else []
        return "\n".join([*lines, f"shown side by side: {self.picture}, {self.page}"])

    @property
    def heading(self) -> str:
        """The result in one line."""
        different = sum(not d.same for d in self.differences)
        if self.same:
            return f"SAME: all {len(self.runs)} runs gave one image"
        return f"DIFFERENT: {different} of {len(self.differences)} repeats gave another image"
