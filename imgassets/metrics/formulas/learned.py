"""Learned metrics: CLIPScore, a check by questions (VQA), and LPIPS. Off unless asked for.

`pip install imgassets[learned]` brings what they need; without it nothing fails until one is made,
and that error says so. Models come from local folders, as safetensors only: a pickle can run code,
and a model from a hub can change unnoticed. They are opinions of a network, not measurements: no
contract can name them, they are to be read beside the other scores. torch and transformers load
when a metric is made.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from PIL import Image

from imgassets.documents.metric_catalogue import Metric
from imgassets.documents.prompts import Expectation
from imgassets.images.pixels import Pixels, check_pair, check_rgb
from imgassets.metrics.scores import Score

#: Name cards, apart from `METRICS` so that contracts cannot name them.
LEARNED: tuple[Metric, ...] = (
    Metric(
        "learned.clip_score", "higher", "cosine x 100",
        "How near an image is to its prompt for a CLIP model (Hessel et al. 2021); 100 is equal.",
    ),
    Metric(
        "learned.vqa", "higher", "share",
        "Questions made of the expectation that a VQA model answers as expected (after TIFA).",
    ),
    Metric(
        "learned.lpips", "lower", "distance",
        "Distance of two images in the features of AlexNet (Zhang et al. 2018); 0 is equal.",
    ),
)  # fmt: skip


class LearnedUnavailableError(RuntimeError):
    """The extra is not installed, or a folder holds no such model; the message says what to do."""


class Judge(Protocol):
    """A learned metric of one image and what was asked for."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the scores it gives."""

    def score(self, image: Pixels, prompt: str, expectation: Expectation) -> list[Score]:
        """Scores of one image (uint8, (H, W, 3), sRGB)."""


class ClipScore:
    """100 x the cosine between a CLIP model's embeddings of image and prompt, 0 at least.

    Scaled as torchmetrics and MLPerf do; Hessel et al. (2021, arXiv 2104.08718, equation 1) have
    2.5 x the cosine. The model's processor resizes, and crops the middle of images that are not
    square. A prompt longer than the model reads is cut, which the reason says.

    Agreement: the model's own `logits_per_image` without its temperature, to 1e-4.
    """

    metrics: ClassVar[tuple[str, ...]] = ("learned.clip_score",)

    def __init__(self, folder: Path, *, device: str) -> None:
        """Load a CLIP model and its processor.

        Raises:
            LearnedUnavailableError: nothing to load it with, or no such model in the folder.
        """
        self._model = _loaded(folder, "CLIPModel").to(device).eval()
        self._processor = _loaded(folder, "CLIPProcessor")

    def score(self, image: Pixels, prompt: str, expectation: Expectation) -> list[Score]:  # noqa: ARG002
        """`learned.clip_score`, 0..100; higher is better."""
        import torch

        picture = Image.fromarray(check_rgb(image))
        limit = int(self._model.config.text_config.max_position_embeddings)
        words = len(self._processor.tokenizer(prompt)["input_ids"])
        inputs = self._processor(
            text=[prompt], images=picture, return_tensors="pt", truncation=True, max_length=limit
        )
        with torch.inference_mode():
            seen = self._model(**inputs.to(self._model.device))
        normal = torch.nn.functional.normalize
        cosine = float((normal(seen.text_embeds) * normal(seen.image_embeds)).sum())
        reason = f"prompt cut from {words} to {limit} tokens" if words > limit else ""
        return [Score("learned.clip_score", 100.0 * max(0.0, cosine), reason)]


@dataclass(frozen=True)
class Question:
    """A question about an image, and the answer that is right."""

    text: str
    answer: str


class VqaCheck:
    """Asks a ViLT model questions that follow from what a prompt expects.

    The share of right answers is TIFA's score (Hu et al. 2023, arXiv 2303.11897), with questions
    made from the expectation by rule instead of by a language model.

    Agreement: the model's likeliest answer and the sigmoid of its logit, to 1e-4.
    """

    metrics: ClassVar[tuple[str, ...]] = ("learned.vqa",)

    def __init__(self, folder: Path, *, device: str) -> None:
        """Load a ViLT model for question answering and its processor.

        Raises:
            LearnedUnavailableError: nothing to load it with, or no such model in the folder.
        """
        self._model = _loaded(folder, "ViltForQuestionAnswering").to(device).eval()
        self._processor = _loaded(folder, "ViltProcessor")

    def ask(self, image: Pixels, question: str) -> tuple[str, float]:
        """The likeliest answer and its probability, 0..1."""
        import torch

        inputs = self._processor(Image.fromarray(check_rgb(image)), question, return_tensors="pt")
        with torch.inference_mode():
            logits = self._model(**inputs.to(self._model.device)).logits[0]
        best = int(logits.argmax())
        return self._model.config.id2label[best], float(logits[best].sigmoid())

    def score(self, image: Pixels, prompt: str, expectation: Expectation) -> list[Score]:  # noqa: ARG002
        """`learned.vqa`, 0..1; higher is better. Nothing when there is nothing to ask."""
        asked = questions(expectation)
        if not asked:
            return []
        answers = [self.ask(image, question.text) for question in asked]
        wrong = [
            f"{question.text} expected {question.answer}, got {answer} ({sure:.0%})"
            for question, (answer, sure) in zip(asked, answers, strict=True)
            if answer.strip().lower() != question.answer
        ]
        return [Score("learned.vqa", 1.0 - len(wrong) / len(asked), "; ".join(wrong))]


def questions(expectation: Expectation) -> list[Question]:
    """What to ask of an image: is each object there, how many, of what color, on what ground."""
    asked = []
    for wanted in expectation.include:
        name = wanted.class_
        asked.append(Question(f"is there a {name} in the picture?", "yes"))
        if wanted.count > 1:
            asked.append(Question(f"how many {name}s are there?", str(wanted.count)))
        if wanted.color:
            asked.append(Question(f"what color is the {name}?", wanted.color))
    if expectation.background:
        asked.append(Question("what color is the background?", expectation.background))
    return asked


#: AlexNet's convolutions as LPIPS cuts it: index in torchvision's `features`, stride, padding, and
#: whether a 3 x 3 pooling of stride 2 comes before.
_ALEXNET = ((0, 4, 2, False), (3, 1, 2, True), (6, 1, 1, True), (8, 1, 1, False), (10, 1, 1, False))
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


class Lpips:
    """LPIPS, version 0.1 on AlexNet, from a folder with the reference package's weights.

    Written out here, since every package that has it (lpips, torchmetrics) needs torchvision, which
    has to match torch's build to the letter. `docs/metrics/learned.md` says how to make the folder.

    Source: Zhang et al. (2018, arXiv 1801.03924). Agreement: lpips 0.1.4 to 1e-8, checked once
    (`docs/metrics/learned.md`); the formula over torch's modules in the tests, to 1e-4.
    """

    def __init__(self, folder: Path, *, device: str) -> None:
        """Load `model.safetensors`, the state of `lpips.LPIPS(net="alex")`.

        Raises:
            LearnedUnavailableError: nothing to load it with, or other weights.
        """
        load = _module("safetensors.torch").load_file
        file = folder / "model.safetensors"
        if not file.is_file():
            raise LearnedUnavailableError(f"{file} does not exist; see docs/metrics/learned.md")
        self._weights = load(str(file), device=device)
        names = [f"net.slice{n}.{at}.weight" for n, (at, *_) in enumerate(_ALEXNET, 1)]
        missing = [n for n in (*names, "lin4.model.1.weight") if n not in self._weights]
        if missing:
            raise LearnedUnavailableError(
                f'{file} lacks {", ".join(missing)}; expected the state of lpips.LPIPS(net="alex")'
            )
        self._device = device

    def distance(self, image: Pixels, reference: Pixels) -> Score:
        """`learned.lpips` of two images of one size of at least 35 px; 0 and up, lower is better.

        Raises:
            BadImageError: not two RGB images of one size.
        """
        import torch

        image, reference = check_pair(image, reference, least=35)
        total = 0.0
        with torch.inference_mode():
            levels = zip(self._features(image), self._features(reference), strict=True)
            for number, (one, two) in enumerate(levels):
                apart = (one - two) ** 2
                weight = self._weights[f"lin{number}.model.1.weight"]
                total += float(torch.nn.functional.conv2d(apart, weight).mean())
        return Score("learned.lpips", total)

    def _features(self, image: Pixels) -> list[Any]:
        """Each level's features, of length 1 at each place."""
        import torch
        from torch.nn import functional

        shift, scale = (torch.tensor(v)[None, :, None, None] for v in (_SHIFT, _SCALE))
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        hidden = (((pixels.float() / 127.5 - 1.0) - shift) / scale).to(self._device)
        levels = []
        for number, (at, stride, padding, pooled) in enumerate(_ALEXNET, 1):
            weight, bias = (
                self._weights[f"net.slice{number}.{at}.{part}"] for part in ("weight", "bias")
            )
            hidden = functional.max_pool2d(hidden, 3, 2) if pooled else hidden
            hidden = functional.relu(functional.conv2d(hidden, weight, bias, stride, padding))
            length = hidden.square().sum(dim=1, keepdim=True).sqrt()
            levels.append(hidden / (length + 1e-10))
        return levels


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LearnedUnavailableError(
            f"learned metrics need {name.partition('.')[0]}; pip install 'imgassets[learned]'"
        ) from error


def _loaded(folder: Path, kind: str) -> Any:
    """A model or processor of transformers from a folder."""
    _module("torch")
    transformers = _module("transformers")
    if not folder.is_dir():
        raise LearnedUnavailableError(f"{folder} is not a folder; models are never downloaded")
    weights = {} if kind.endswith("Processor") else {"use_safetensors": True}
    try:
        return getattr(transformers, kind).from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, **weights
        )
    except (OSError, ValueError) as error:
        raise LearnedUnavailableError(
            f"cannot load {kind} from {folder}; expected its config and weights as safetensors: "
            f"{error}"
        ) from error
