"""Judge documents: instruments that look at images, pinned as models are.

What a judge sees decides scores, so all that can change a score is in its fingerprint: kind,
weights, dtype, thresholds and templates. Batch size and device are not: see docs/judges.md for how
little they move a score.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import ConfigDict, Field, model_validator

from imgassets.documents.base import Document, Name, fingerprint
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.scalars import Slotted
from imgassets.documents.units import Share
from imgassets.documents.weights import (
    Weights,
    file_sha256,
    weights_fingerprint,
    weights_folder,
)
from imgassets.metrics.families import FAMILIES

#: Judges that ship inside the package; a file of the same name in a project stands in for one.
EMBEDDED = Path(__file__).parent.parent / "judges" / "embedded"
#: Words of prompts for classes, which all detectors know.
SYNONYMS = EMBEDDED.parent / "class_synonyms.json"
#: The file of weights of judges that run by onnxruntime.
ONNX_FILE = "model.onnx"


class Thresholds(Document):
    """The judge's own scores that mean what .3 and .9 mean in GenEval.

    GenEval chose its two thresholds for Mask2Former. Another model's scores lie elsewhere, so they
    are stretched piecewise linearly until these two fall on .3 and .9.
    """

    presence: Annotated[Share, Facet.MEASURES] = Field(
        0.3, gt=0.0, lt=1.0, description="Score from which on an object counts as there."
    )
    counting: Annotated[Share, Facet.MEASURES] = Field(
        0.9, gt=0.0, lt=1.0, description="Score from which on it is sure enough to be counted."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.presence >= self.counting:
            message = f"presence ({self.presence:g}) must be below counting ({self.counting:g})"
            raise FieldError(message, "lower it", "presence")
        return self


class JudgeWeights(Weights):
    """As `Weights`; they change scores, and no pixel."""

    weights: Annotated[str, Facet.MEASURES] = Field(
        min_length=1,
        description="`hub:OWNER/NAME`, else a folder (from the project root); safetensors only.",
    )
    revision: Annotated[str | None, Facet.MEASURES] = Field(
        None, description="Full commit (40 hex digits) of hub weights."
    )


class ClipColors(JudgeWeights):
    """GenEval's judge of colors: a CLIP model looks at each object."""


class _Judge(Document):
    main_facet = Facet.MEASURES

    #: Metric families it can judge.
    families: ClassVar[tuple[str, ...]] = ()
    #: Whether it is heavy: then it runs in batches, in one process, on the GPU where there is one.
    learned: ClassVar[bool] = True
    #: Packages whose version can change its scores.
    libraries: ClassVar[tuple[str, ...]] = ()

    judge: Annotated[Name, Facet.NOTHING] = Field(
        description="The judge's name; the file is called the same."
    )
    description: Annotated[str, Facet.NOTHING] = Field(
        "", description="For people; nothing reads it."
    )

    @property
    def fixed_classes(self) -> tuple[str, ...] | None:
        """Classes that the document itself names; None where it names none."""
        return None

    def runs_on(self, device: str) -> str:
        """`cpu`, or for a learned judge what its document insists on, else `device`."""
        said = str(getattr(self, "device", "auto"))
        return "cpu" if not self.learned else device if said == "auto" else said


class Shapes(_Judge):
    """The detector of flat shapes: deterministic, without weights, for drawn images."""

    families = ("composition",)
    learned = False

    kind: Annotated[Literal["shapes"], Facet.MEASURES]


class _Boxes(_Judge):
    """Detectors of photographs."""

    families = ("composition",)

    thresholds: Annotated[Thresholds, Facet.PARTS] = Field(
        Thresholds(), description="How sure it must be that an object is there."
    )
    max_overlap: Annotated[Share, Facet.MEASURES] = Field(
        1.0,
        gt=0.0,
        le=1.0,
        description="Of two boxes of one class with at least this overlap (IoU) the less sure one "
        "goes; 1 keeps both.",
    )
    max_overlap_across: Annotated[Share, Facet.MEASURES] = Field(
        1.0, gt=0.0, le=1.0, description="The same for boxes of different classes."
    )
    synonyms: Annotated[dict[str, str], Facet.MEASURES] = Field(
        default_factory=dict,
        description="Words of prompts for classes of the judge, `{sofa: couch}`, on top of those "
        "that ship.",
    )


class SsdMobilenet(_Boxes):
    """SSD MobileNet v2 by onnxruntime: small, embedded, 80 classes of COCO. A weak judge."""

    learned = False
    libraries = ("onnxruntime", "pillow")

    kind: Annotated[Literal["ssd-mobilenet"], Facet.MEASURES]
    weights: Annotated[str, Facet.MEASURES] = Field(
        "package:coco-small",
        min_length=1,
        description=f"`package:NAME`, or a folder with `{ONNX_FILE}`.",
    )


Dtype = Literal["float32", "float16", "bfloat16"]


class _Learned(JudgeWeights):
    """What all judges that run by transformers have in common."""

    libraries: ClassVar[tuple[str, ...]] = ("torch", "transformers", "pillow")

    dtype: Annotated[Dtype, Facet.MEASURES] = Field(
        "float32", description="Of weights and of the computation."
    )
    device: Annotated[Literal["auto", "cpu", "cuda"], Facet.NOTHING] = Field(
        "auto", description="`auto` takes a GPU where there is one."
    )
    batch_size: Annotated[int, Facet.NOTHING] = Field(
        1, ge=1, le=256, description="Images looked at together."
    )


class TransformersDetector(_Boxes, _Learned):
    """A detector of transformers: one with fixed classes, one with masks, or one for any words."""

    kind: Annotated[
        Literal["object-detection", "instance-segmentation", "zero-shot-object-detection"],
        Facet.MEASURES,
    ]
    classes: Annotated[tuple[str, ...], Facet.MEASURES] = Field(
        (),
        description="The classes it knows, where its weights are not at hand to be asked; none for "
        "`zero-shot-object-detection`, which takes any words.",
    )
    colors: Annotated[ClipColors | None, Facet.PARTS] = Field(
        None, description="A CLIP model that names colors; absent: CIELAB in the box or mask."
    )

    @model_validator(mode="after")
    def _any_words_or_some(self) -> Self:
        if self.classes and self.kind == "zero-shot-object-detection":
            message = "zero-shot-object-detection takes any words"
            raise FieldError(message, "drop it", "classes")
        return self

    @property
    def fixed_classes(self) -> tuple[str, ...] | None:
        """See `_Judge.fixed_classes`."""
        return self.classes or None


class Vqa(_Judge, _Learned):
    """A model that answers questions about images: VQAScore, and questions made by rule."""

    families = ("alignment",)

    kind: Annotated[Literal["vqa"], Facet.MEASURES]
    question: Annotated[Slotted, Facet.MEASURES] = Field(
        'Does this figure show "{prompt}"? Please answer yes or no.',
        description="Asked of each image; VQAScore's (Lin et al. 2024).",
    )
    yes: Annotated[str, Facet.MEASURES] = Field(
        "Yes", description="The answer that means yes, as the model writes it."
    )
    no: Annotated[str, Facet.MEASURES] = Field("No", description="The answer that means no.")


class Clip(_Judge, _Learned):
    """CLIP or SigLIP: how near image and prompt are (CLIPScore)."""

    families = ("alignment",)

    kind: Annotated[Literal["clip"], Facet.MEASURES]
    template: Annotated[Slotted, Facet.MEASURES] = Field(
        "{prompt}", description="What is compared with the image."
    )


class CenterFace(_Judge):
    """CenterFace by onnxruntime: how many faces there are, and how sure it is of them."""

    families = ("faces",)
    learned = False
    libraries = ("onnxruntime", "opencv-python-headless")

    kind: Annotated[Literal["centerface"], Facet.MEASURES]
    weights: Annotated[str, Facet.MEASURES] = Field(
        "package:centerface",
        min_length=1,
        description=f"`package:NAME`, or a folder with `{ONNX_FILE}`.",
    )
    presence: Annotated[Share, Facet.MEASURES] = Field(
        0.5, gt=0.0, lt=1.0, description="Score from which on a face counts."
    )


#: All judge documents; `kind` tells them apart.
AnyJudge = Shapes | SsdMobilenet | TransformersDetector | Vqa | Clip | CenterFace
_BY_KIND: dict[str, type[AnyJudge]] = {
    "shapes": Shapes,
    "ssd-mobilenet": SsdMobilenet,
    "object-detection": TransformersDetector,
    "instance-segmentation": TransformersDetector,
    "zero-shot-object-detection": TransformersDetector,
    "vqa": Vqa,
    "clip": Clip,
    "centerface": CenterFace,
}


class _UnknownKind(Document):
    """No other field is looked at: what they mean depends on the kind."""

    model_config = ConfigDict(extra="ignore")

    kind: Annotated[
        Literal[
            "shapes", "ssd-mobilenet", "object-detection", "instance-segmentation",
            "zero-shot-object-detection", "vqa", "clip", "centerface",
        ],
        Facet.MEASURES,
    ]  # fmt: skip


def judge_class(data: Any) -> type[AnyJudge]:
    """The document class a parsed judge file asks for by its `kind`."""
    kind = data.get("kind") if isinstance(data, dict) else None
    return _BY_KIND.get(str(kind), cast("type[Shapes]", _UnknownKind))


def judge_facts(root: Path, judge: AnyJudge) -> dict[str, Any]:
    """All that can change a score of a judge, as JSON values; weights by their content.

    Raises:
        FileNotFoundError: weights that are not there.
    """
    left_out = {
        name
        for name, field in type(judge).model_fields.items()
        if Facet.NOTHING in field.metadata or name == "revision"
    }
    facts = judge.model_dump(mode="json", by_alias=True, exclude=left_out)
    # A family's code is part of its judge: what was measured of older code is not true of this.
    facts["versions"] = {name: FAMILIES[name].version for name in judge.families}
    if isinstance(judge, _Boxes):
        facts["shipped_synonyms"] = file_sha256(SYNONYMS)
    if isinstance(judge, (SsdMobilenet, CenterFace)):
        facts["weights"] = file_sha256(weights_folder(root, judge.weights) / ONNX_FILE)
    elif isinstance(judge, _Learned):
        facts["weights"] = weights_fingerprint(root, judge.weights, judge.revision)
    if isinstance(judge, TransformersDetector) and judge.colors is not None:
        colors = judge.colors
        facts["colors"] = weights_fingerprint(root, colors.weights, colors.revision)
    return facts


def judge_fingerprint(root: Path, judge: AnyJudge) -> str:
    """SHA-256 of all that can change a score of a judge. Raises as `judge_facts`."""
    return fingerprint(judge_facts(root, judge))
