"""The faults, each strong (it ruins what the endpoint is for) and faint (hard to see)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from PIL import Image

from imgassets.flows import FLOWS, FlowName, MadeBy
from imgassets.selftest import image_faults, request_faults

Strength = Literal["strong", "faint"]
_UPSCALE = tuple(name for name, flow in FLOWS.items() if flow.made_by is MadeBy.UPSCALER)
_EDIT = tuple(name for name, flow in FLOWS.items() if flow.edits)


@dataclass(frozen=True)
class Fault:
    """One fault at one strength; exactly one of `spoil`, `garble`, `document`, `inside` plants it.

    Attributes:
        name, strength: together unique.
        what: what goes wrong, in words.
        spoil: changes image files.
        garble: changes the inputs of requests.
        document: fields of the model's document that are not what they were.
        inside: (name, amount) of a fault inside the pipeline, see `selftest.pipeline_faults`.
        flows: where it strikes; what is made of a spoiled image is spoiled as well.
        guided: needs a model that is sampled with guidance.
    """

    name: str
    strength: Strength
    what: str
    spoil: image_faults.ImageFault | None = None
    garble: request_faults.RequestFault | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    inside: tuple[str, float] | None = None
    flows: tuple[FlowName, ...] = tuple(FLOWS)
    guided: bool = False

    @property
    def kind(self) -> Literal["pipeline", "image"]:
        """Whether it strikes while images are made, or changes files that were made."""
        return "pipeline" if self.spoil is None else "image"


def _both(name: str, strong: dict[str, Any], faint: dict[str, Any], **shared: Any) -> list[Fault]:
    return [
        Fault(name, "strong", **(shared | strong)),
        Fault(name, "faint", **(shared | faint)),
    ]


def _scheduler(cls: str = "FlowMatchEulerDiscreteScheduler", **settings: Any) -> dict[str, Any]:
    return {"scheduler": {"class": cls, "settings": {"shift": 2.0} | settings}}


def _of_requests() -> Iterator[list[Fault]]:
    yield _both(
        "other scheduler",
        {"what": "sigmas run the wrong way round", "document": _scheduler(invert_sigmas=True)},
        {"what": "Karras' spacing of sigmas", "document": _scheduler(use_karras_sigmas=True)},
    )
    yield _both(
        "other shift",
        {"what": "shift 2 became 60", "document": _scheduler(shift=60.0)},
        {"what": "shift 2 became 2.2", "document": _scheduler(shift=2.2)},
    )
    yield _both(
        "guidance dropped",
        {"what": "guidance 3 became 1", "garble": request_faults.sampled(guidance_scale=1.0)},
        {"what": "guidance 3 became 2.8", "garble": request_faults.sampled(guidance_scale=2.8)},
        guided=True,
    )
    yield _both(
        "too few steps",
        {"what": "one step", "garble": request_faults.sampled(steps=1)},
        {"what": "one step less", "garble": request_faults.sampled(steps=3)},
    )
    yield _both(
        "negative prompt lost",
        {"what": "the prompt stands in its place", "garble": request_faults.negative(None)},
        {
            "what": "another negative prompt",
            "garble": request_faults.negative("blurry, low quality"),
        },
        guided=True,
    )
    yield _both(
        "prompt truncated",
        {"what": "only two words arrive", "garble": request_faults.truncated(2)},
        {"what": "the last word is cut off", "garble": request_faults.truncated(-1)},
    )
    yield _both(
        "prompt template changed",
        {
            "what": "on black instead of on white",
            "garble": request_faults.replaced({"white$": "black"}),
        },
        {"what": "a full stop at the end", "garble": request_faults.replaced({"$": "."})},
    )
    yield _both(
        "seed reused",
        {"what": "one seed for all images", "garble": request_faults.reseeded(1)},
        {"what": "one seed for every 25th prompt", "garble": request_faults.reseeded(25)},
    )


def _inside_pipelines() -> Iterator[list[Fault]]:
    yield _both(
        "VAE scaling factor wrong",
        {"what": "latents 1.5 times too large", "inside": ("vae_scale", 1.5)},
        {"what": "latents 1 % too large", "inside": ("vae_scale", 1.01)},
    )
    yield _both(
        "VAE shift factor wrong",
        {"what": "latents off by 2", "inside": ("vae_shift", 2.0)},
        {"what": "latents off by 0.02", "inside": ("vae_shift", 0.02)},
    )
    yield _both(
        "half-precision overflow",
        {"what": "activations of the decoder overflow", "inside": ("half", 4096.0)},
        {"what": "activations are rounded to half precision", "inside": ("half", 1.0)},
    )
    yield _both(
        "quantized weights",
        {"what": "3 bits a weight", "inside": ("quantize", 3.0)},
        {"what": "8 bits a weight", "inside": ("quantize", 8.0)},
    )
    yield _both(
        "text encoder zeroed",
        {"what": "its output is all zero", "inside": ("text", 0.0)},
        {"what": "its output is 1 % too small", "inside": ("text", 0.99)},
    )


def _of_edits() -> Iterator[list[Fault]]:
    yield _both(
        "mask inverted",
        {"what": "the part to keep is repainted", "garble": request_faults.inverted()},
        {"what": "the mask is 2 px off", "garble": request_faults.moved(0.02)},
        flows=_EDIT,
    )
    yield _both(
        "edit strength wrong",
        {"what": "strength 0.25", "garble": request_faults.sampled(strength=0.25)},
        {"what": "strength 0.9", "garble": request_faults.sampled(strength=0.9)},
        flows=_EDIT,
    )


def _of_pixels() -> Iterator[list[Fault]]:
    yield _both(
        "BGR swap",
        {"what": "red and blue exchanged", "spoil": image_faults.swapped(1.0)},
        {"what": "2 % of red and blue mixed", "spoil": image_faults.swapped(0.02)},
    )
    yield _both(
        "gamma twice",
        {"what": "gamma 2.2 once more", "spoil": image_faults.gamma(1 / 2.2)},
        {"what": "gamma 1.02 once more", "spoil": image_faults.gamma(1 / 1.02)},
    )
    yield _both(
        "JPEG",
        {"what": "quality 40", "spoil": image_faults.jpeg(40)},
        {"what": "quality 95", "spoil": image_faults.jpeg(95)},
    )
    yield _both(
        "other upscaling filter",
        {"what": "nearest neighbour", "spoil": image_faults.enlarged(Image.Resampling.NEAREST)},
        {
            "what": "Lanczos, not the network",
            "spoil": image_faults.enlarged(Image.Resampling.LANCZOS),
        },
        flows=_UPSCALE,
    )
    yield _both(
        "half-pixel shift",
        {"what": "half a pixel of the source", "spoil": image_faults.shifted(1.0)},
        {"what": "a twentieth of it", "spoil": image_faults.shifted(0.1)},
        flows=_UPSCALE,
    )
    yield _both(
        "1-px border",
        {"what": "a black line around", "spoil": image_faults.border(1.0)},
        {"what": "a line 0.2 % darker around", "spoil": image_faults.border(0.002)},
    )
    yield _both(
        "tile seams",
        {"what": "tiles of 64 px, 6 levels apart", "spoil": image_faults.seams(6.0, 64)},
        {"what": "tiles of 64 px, 1 level apart", "spoil": image_faults.seams(1.0, 64)},
        flows=_UPSCALE,
    )


def _of_files() -> Iterator[list[Fault]]:
    yield _both(
        "watermark",
        {"what": "gray text, a quarter opaque", "spoil": image_faults.watermark(0.25)},
        {"what": "gray text, 2 % opaque", "spoil": image_faults.watermark(0.02)},
    )
    yield _both(
        "EXIF rotation lost",
        {"what": "every image on its side", "spoil": image_faults.rotated()},
        {
            "what": "every 50th image on its side",
            "spoil": image_faults.every(50, image_faults.rotated()),
        },
    )
    yield _both(
        "alpha premultiplied",
        {"what": "edges of 2 px", "spoil": image_faults.premultiplied(2.0)},
        {"what": "edges of 0.3 px", "spoil": image_faults.premultiplied(0.3)},
    )
    yield _both(
        "black images",
        {"what": "every 10th", "spoil": image_faults.every(10, image_faults.black())},
        {"what": "every 200th", "spoil": image_faults.every(200, image_faults.black())},
    )
    yield _both(
        "corrupt files",
        {"what": "1 % end too early", "spoil": image_faults.every(100, image_faults.cut(0.6))},
        {"what": "0.25 % end too early", "spoil": image_faults.every(400, image_faults.cut(0.6))},
    )


def all_faults() -> list[Fault]:
    """Every fault at both strengths, pipeline faults first."""
    groups = (_of_requests(), _inside_pipelines(), _of_edits(), _of_pixels(), _of_files())
    return [fault for pairs in groups for pair in pairs for fault in pair]


def named_faults(names: Sequence[str]) -> list[Fault]:
    """The faults of these names, or all where none is named.

    Raises:
        LookupError: there is no such fault; says which there are.
    """
    everything = all_faults()
    known = dict.fromkeys(fault.name for fault in everything)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LookupError(f"no fault {unknown[0]!r}; there are: {', '.join(known)}")
    return [fault for fault in everything if not names or fault.name in names]
