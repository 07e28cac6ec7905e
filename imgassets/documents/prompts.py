"""Prompt sets: what to ask for, how the asking is transformed, and what the image must show.

Expectations use GenEval's vocabulary (`include` / `exclude` with class, count, color, position),
so GenEval's own `evaluation_metadata.jsonl` is a prompt set as it is; text to be rendered is
named by `text`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from imgassets.documents.base import Document, Name
from imgassets.documents.field_errors import FieldError, doubles, raise_all
from imgassets.documents.field_facets import Facet
from imgassets.documents.scalars import Slotted, VisibleText
from imgassets.documents.units import Share
from imgassets.documents.visible_text import comparable

Relation = Literal["left of", "right of", "above", "below"]


class ObjectExpectation(Document):
    """One class of object the image must show."""

    class_: Annotated[str, Facet.COMPOSITION | Facet.ALIGNMENT] = Field(
        alias="class", min_length=1, description="Object class, such as `circle`."
    )
    count: Annotated[int, Facet.COMPOSITION | Facet.ALIGNMENT] = Field(
        1, ge=1, description="How many of them; in `exclude`, from how many on."
    )
    color: Annotated[str | None, Facet.COMPOSITION | Facet.ALIGNMENT] = Field(
        None, description="Color name; absent when any color will do."
    )
    position: Annotated[tuple[Relation, int] | None, Facet.COMPOSITION | Facet.ALIGNMENT] = Field(
        None, description="`[relation, index]`: where it lies as seen from `include[index]`."
    )
    size: Annotated[Literal["small", "large"] | None, Facet.COMPOSITION | Facet.ALIGNMENT] = Field(
        None, description="Size of a single object; not part of GenEval, scored as its own metric."
    )


class Expectation(Document):
    """What one image must show. Everything absent is not judged."""

    include: Annotated[tuple[ObjectExpectation, ...], Facet.COMPOSITION | Facet.ALIGNMENT] = Field(
        (), description="Objects that must be seen."
    )
    exclude: Annotated[tuple[ObjectExpectation, ...], Facet.COMPOSITION | Facet.ALIGNMENT] = Field(
        (), description="Objects that must not be seen."
    )
    text: Annotated[str | None, Facet.TYPOGRAPHY] = Field(
        None, description="Text the image must render; something that can be seen."
    )
    background: Annotated[str | None, Facet.COMPOSITION | Facet.ALIGNMENT] = Field(
        None, description="Background color name; scored as its own metric."
    )

    faces: Annotated[int | None, Facet.FACES] = Field(
        None,
        ge=0,
        description="How many faces are to be seen; needs a judge of faces.",
        examples=[2],
    )

    @field_validator("text", mode="before")
    @classmethod
    def _text_can_be_seen(cls, text: object) -> object:
        """Called only where `text` is written, so that null is told from absent."""
        if text is None:
            raise ValueError("text is null; write the text in quotes, or leave the field out")
        if isinstance(text, str) and not comparable(text):
            raise ValueError(
                f"text {text!r} shows nothing (blank or invisible characters); write the text "
                "the image must show, or leave the field out"
            )
        return text

    @model_validator(mode="after")
    def _positions_point_at_another_object(self) -> Self:
        for index, wanted in enumerate(self.include):
            if wanted.position is None:
                continue
            target = wanted.position[1]
            if not 0 <= target < len(self.include) or target == index:
                raise FieldError(
                    f"points at include[{target}], which is not another entry of include (it has "
                    f"{len(self.include)})",
                    "give the index of the object the relation is seen from",
                    *("include", index, "position"),
                )
        return self

    @property
    def judges_composition(self) -> bool:
        """Whether there is an object to be found or to be missed."""
        return bool(self.include or self.exclude)

    def asks(self, metric: str) -> bool:
        """Whether a metric can be measured against this expectation."""
        family = metric.partition(".")[0]
        if metric == "composition.size":
            return any(o.size for o in self.include)
        if metric == "composition.background":
            return self.background is not None
        if family == "composition":
            return self.judges_composition
        if family == "typography":
            return self.text is not None
        if family == "faces":
            return self.faces is not None
        if metric == "alignment.questions":
            return self.judges_composition or self.background is not None
        return True


_ANY_PROMPT = Facet.PROMPTS | Facet.COMPOSITION | Facet.TYPOGRAPHY | Facet.ALIGNMENT | Facet.FACES
Fraction = Annotated[Share, Field(ge=0.0, le=1.0)]


class Edit(Document):
    """One inpainting request on top of a generated image: replace a region by something else."""

    region: Annotated[tuple[Fraction, Fraction, Fraction, Fraction], Facet.PIXELS] = Field(
        description="Masked box as `[left, top, right, bottom]` in fractions of width and height; "
        "inside is repainted, outside must stay as it is."
    )
    prompt: Annotated[VisibleText, Facet.PIXELS | Facet.PROMPTS | Facet.ALIGNMENT] = Field(
        description="What the whole image shows after the edit."
    )
    expect: Annotated[Expectation, Facet.PARTS] = Field(
        description="What the edited image must show."
    )

    @model_validator(mode="after")
    def _region_has_area(self) -> Self:
        left, top, right, bottom = self.region
        if not (left < right and top < bottom):
            raise FieldError(
                f"region {list(self.region)} is empty",
                "make left smaller than right and top smaller than bottom",
                "region",
            )
        return self


class Prompt(Document):
    """One prompt of a set."""

    id: Annotated[Name, _ANY_PROMPT] = Field(
        description="Stable name; results are compared by it across runs."
    )
    prompt: Annotated[VisibleText, Facet.PIXELS | Facet.PROMPTS | Facet.ALIGNMENT] = Field(
        description="The text before any transform."
    )
    expect: Annotated[Expectation, Facet.PARTS] = Field(
        Expectation(), description="What the image must show; what is absent is not judged."
    )
    tags: Annotated[tuple[str, ...], Facet.NOTHING] = Field(
        (), description="Free labels; GenEval's tag names its task."
    )
    edit: Annotated[Edit | None, Facet.PARTS] = Field(
        None, description="An edit to make on the generated image."
    )


TransformName = Annotated[Name, Field(description="What people call it; no pixel follows it.")]
TransformText = Annotated[VisibleText, Field(description="As it is, spaces included.")]


class Prefix(Document):
    """Puts `text` before every prompt."""

    kind: Annotated[Literal["prefix"], Facet.PIXELS]
    name: Annotated[TransformName, Facet.NO_PIXEL]
    text: Annotated[TransformText, Facet.PIXELS]

    def apply(self, prompt: str, negative: str) -> tuple[str, str]:
        """`(prompt, negative prompt)` after the transform."""
        return self.text + prompt, negative


class Suffix(Document):
    """Puts `text` behind every prompt."""

    kind: Annotated[Literal["suffix"], Facet.PIXELS]
    name: Annotated[TransformName, Facet.NO_PIXEL]
    text: Annotated[TransformText, Facet.PIXELS]

    def apply(self, prompt: str, negative: str) -> tuple[str, str]:
        """`(prompt, negative prompt)` after the transform."""
        return prompt + self.text, negative


class Template(Document):
    """Puts every prompt into `template` at `{prompt}`."""

    kind: Annotated[Literal["template"], Facet.PIXELS]
    name: Annotated[TransformName, Facet.NO_PIXEL]
    template: Annotated[Slotted, Facet.PIXELS] = Field(
        description="Holds `{prompt}` once, where the prompt goes."
    )

    def apply(self, prompt: str, negative: str) -> tuple[str, str]:
        """`(prompt, negative prompt)` after the transform."""
        # `str.format` would give braces in prompts a meaning; plain replacement does not.
        return self.template.replace("{prompt}", prompt), negative


class Replace(Document):
    """Replaces every occurrence of `old` by `new`, literally."""

    kind: Annotated[Literal["replace"], Facet.PIXELS]
    name: Annotated[TransformName, Facet.NO_PIXEL]
    old: Annotated[str, Facet.PIXELS] = Field(min_length=1, description="What is looked for.")
    new: Annotated[str, Facet.PIXELS] = Field(description="What stands there instead.")

    def apply(self, prompt: str, negative: str) -> tuple[str, str]:
        """`(prompt, negative prompt)` after the transform."""
        return prompt.replace(self.old, self.new), negative


class NegativePrompt(Document):
    """Sets the negative prompt (needs a guidance scale above 1 to have an effect)."""

    kind: Annotated[Literal["negative_prompt"], Facet.PIXELS]
    name: Annotated[TransformName, Facet.NO_PIXEL]
    text: Annotated[TransformText, Facet.PIXELS]

    def apply(self, prompt: str, negative: str) -> tuple[str, str]:  # noqa: ARG002 - one protocol
        """`(prompt, negative prompt)` after the transform."""
        return prompt, self.text


Transform = Annotated[
    Prefix | Suffix | Template | Replace | NegativePrompt, Field(discriminator="kind")
]


class PromptSet(Document):
    """A `prompts/NAME.yaml` document."""

    main_facet = Facet.PROMPTS

    prompt_set: Annotated[Name, Facet.NOTHING] = Field(
        description="The set's name; the file is called the same."
    )
    description: Annotated[str, Facet.NOTHING] = Field(
        "", description="For people; nothing reads it."
    )
    transforms: Annotated[tuple[Transform, ...], Facet.PARTS] = Field(
        (), description="Applied to every prompt, edits included, in the order written."
    )
    prompts: Annotated[tuple[Prompt, ...], Facet.PARTS] = Field(
        min_length=1, description="At least one prompt."
    )

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        raise_all(
            (
                *doubles("prompt id", [p.id for p in self.prompts], "prompts", "id"),
                *doubles("transform name", [t.name for t in self.transforms], "transforms", "name"),
            )
        )
        return self

    def transformed(self, prompt: str) -> tuple[str, str]:
        """A prompt after all transforms: `(prompt, negative prompt)`."""
        negative = ""
        for transform in self.transforms:
            prompt, negative = transform.apply(prompt, negative)
        return prompt, negative
