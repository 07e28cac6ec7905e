"""CLIP and SigLIP as judges of alignment and of colors, small ones, for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgassets.documents.judge import ClipColors
from imgassets.judges.clip_colors import GRAY, TEMPLATES, ClipColorJudge, cut_out
from imgassets.judges.detector_classes import GENEVAL_COLORS
from imgassets.judges.errors import JudgeError
from imgassets.judges.registry import open_judge
from imgassets_tests.judges import small_models as small
from imgassets_tests.judges.small_models import document, made, photo

transformers = pytest.importorskip("transformers")


def opened(make: Any, **fields: Any) -> Any:
    return open_judge(Path(), document("clip", made(make), **fields), "cpu")


def test_the_cosine_is_clips_own() -> None:
    """Against `logits_per_image` without its temperature, and without padding."""
    import torch

    ((cosine, note),) = opened(small.clip).similarity([photo()], ["a red star"])
    model = transformers.CLIPModel.from_pretrained(made(small.clip))
    inputs = transformers.CLIPProcessor.from_pretrained(made(small.clip))(
        text=["a red star"], images=photo(), return_tensors="pt"
    )
    with torch.inference_mode():
        logit = float(model(**inputs).logits_per_image / model.logit_scale.exp())
    assert cosine == pytest.approx(logit, abs=1e-4)
    assert note == ""


def test_the_cosine_is_siglips_own() -> None:
    """As its documentation asks: padded to 64 tokens, without a mask."""
    import torch

    ((cosine, _),) = opened(small.siglip).similarity([photo()], ["a red star"])
    folder = made(small.siglip)
    model = transformers.SiglipModel.from_pretrained(folder)
    words = transformers.AutoTokenizer.from_pretrained(folder)(
        ["a red star"], padding="max_length", max_length=64, return_tensors="pt"
    )
    images = transformers.AutoImageProcessor.from_pretrained(folder)
    pixels = images(images=photo(), return_tensors="pt")
    with torch.inference_mode():
        seen = model(input_ids=words["input_ids"], **pixels)
    logit = (seen.logits_per_image - model.logit_bias) / model.logit_scale.exp()
    assert cosine == pytest.approx(float(logit), abs=1e-4)


@pytest.mark.parametrize(("make", "limit"), [(small.clip, 77), (small.siglip, 64)])
def test_a_cut_prompt_is_said(make: Any, limit: int) -> None:
    judge = opened(make, template="a photo of {prompt}")
    (_, cut), (_, whole) = judge.similarity([photo(), photo()], ["star " * 60, "a star"])
    assert cut.startswith("prompt cut from ")
    assert cut.endswith(f" to {limit} tokens")
    assert whole == ""


def test_the_template_is_what_is_compared() -> None:
    plain, framed = opened(small.clip), opened(small.clip, template="a photo of {prompt}")
    assert framed.similarity([photo()], ["a star"]) == plain.similarity(
        [photo()], ["a photo of a star"]
    )
    assert framed.similarity([photo()], ["a star"]) != plain.similarity([photo()], ["a star"])
    assert plain.similarity([], []) == []


def test_another_model_is_refused() -> None:
    with pytest.raises(JudgeError, match="owlv2 model does not fit kind clip"):
        open_judge(Path(), document("clip", made(small.owl)), "cpu")


class TestColors:
    def judge(self) -> ClipColorJudge:
        return ClipColorJudge(ClipColors(weights=str(made(small.clip))), Path(), "cpu", "a test")

    def test_names_are_genevals_and_the_same_twice(self) -> None:
        judge = self.judge()
        box = (10.0, 10.0, 50.0, 40.0)
        named = judge.color(photo(), box, "cup")
        assert named in GENEVAL_COLORS
        assert named == judge.color(photo(), box, "cup")
        assert judge.color(photo(), (95.0, 0.0, 99.0, 10.0), "cup") is None

    def test_the_choice_is_the_mean_of_the_templates(self) -> None:
        """A second implementation: each template's cosine, by the model alone."""
        import torch

        model = transformers.CLIPModel.from_pretrained(made(small.clip))
        processor = transformers.CLIPProcessor.from_pretrained(made(small.clip))
        for seed in range(4):
            prompts = [t.format(c, "cup") for c in GENEVAL_COLORS for t in TEMPLATES]
            inputs = processor(text=prompts, images=photo(seed), return_tensors="pt", padding=True)
            with torch.inference_mode():
                seen = model(**inputs)
            texts = seen.text_embeds.reshape(10, 3, -1).mean(dim=1)
            cosines = torch.nn.functional.normalize(texts, dim=-1) @ seen.image_embeds[0]
            expected = GENEVAL_COLORS[int(cosines.argmax())]
            assert self.judge().color(photo(seed), (0.0, 0.0, 90.0, 64.0), "cup") == expected

    def test_surroundings_are_gray_where_there_is_a_mask(self) -> None:
        image = photo()
        mask = np.zeros(image.shape[:2], bool)
        mask[20:30, 20:40] = True
        cut = cut_out(image, (18.0, 18.4, 42.0, 31.6), mask)
        assert cut is not None
        assert cut.shape == (14, 24, 3)
        assert (cut[0, 0] == GRAY).all()
        assert (cut[2:12, 2:22] == image[20:30, 20:40]).all()
        assert cut_out(image, (50.0, 40.0, 60.0, 50.0), mask) is None
        plain = cut_out(image, (18.0, 18.4, 42.0, 31.6), None)
        assert plain is not None
        assert (plain == image[18:32, 18:42]).all()
