"""A model that answers questions, a small LLaVA, for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgassets.judges.detectors import DetectorError
from imgassets.judges.errors import JudgeError
from imgassets.judges.registry import open_judge
from imgassets_tests.judges import small_models as small
from imgassets_tests.judges.small_models import document, made, photo

transformers = pytest.importorskip("transformers")

ASK = "Does this figure show cat ?"


def plain_llava(folder: Path) -> Path:
    return small.llava(folder, chat=False)


def opened(make: Any = small.llava, **fields: Any) -> Any:
    return open_judge(Path(), document("vqa", made(make), **fields), "cpu")


@pytest.mark.parametrize(
    ("make", "spoken"),
    [(small.llava, f"USER: <image> {ASK} ASSISTANT:"), (plain_llava, f"<image> {ASK}")],
)
def test_an_answer_is_the_models_own_probability(make: Any, spoken: str) -> None:
    """Against the model's logits at the last place, summed over `Yes` and `yes`."""
    import torch
    from PIL import Image

    (answer,) = opened(make).ask([photo()], [ASK])
    model = transformers.LlavaForConditionalGeneration.from_pretrained(made(make))
    processor = transformers.AutoProcessor.from_pretrained(made(make))
    inputs = processor(images=Image.fromarray(photo()), text=spoken, return_tensors="pt")
    with torch.inference_mode():
        chances = model(**inputs).logits[0, -1].softmax(dim=-1)
    yes, no = ([small.WORDS.index(w) for w in pair] for pair in (("Yes", "yes"), ("No", "no")))
    assert answer.yes == pytest.approx(float(chances[yes].sum()), abs=1e-4)
    assert answer.no == pytest.approx(float(chances[no].sum()), abs=1e-4)
    assert 0.0 < answer.yes + answer.no < 1.0


def test_the_image_and_the_question_decide() -> None:
    judge = opened()
    answers = judge.ask([photo(0), photo(1), photo(0)], [ASK, ASK, "show dog ?"])
    assert len({a.yes for a in answers}) == 3
    assert judge.question.count("{prompt}") == 1


def test_other_words_for_yes_and_no() -> None:
    (other,) = opened(yes="cat", no="maybe").ask([photo()], [ASK])
    (usual,) = opened().ask([photo()], [ASK])
    assert other != usual


def test_a_word_without_a_token_and_one_word_for_both_are_refused() -> None:
    with pytest.raises(JudgeError, match="'certainly' by more than one token"):
        opened(yes="certainly")
    with pytest.raises(JudgeError, match="one word"):
        opened(yes="no")


def test_no_image_and_no_question_model_are_said() -> None:
    with pytest.raises(DetectorError, match="expected an image"):
        opened().ask([photo().astype(np.float32)], [ASK])
    with pytest.raises(JudgeError, match="clip model does not fit kind vqa; write `kind: clip`"):
        open_judge(Path(), document("vqa", made(small.clip)), "cpu")


def test_a_classifier_of_answers_is_refused(tmp_path: Path) -> None:
    """ViLT's answers are classes, not words: not covered, and said."""
    import torch

    config = transformers.ViltConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, image_size=32, patch_size=16,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.ViltForQuestionAnswering(config).save_pretrained(tmp_path)
    with pytest.raises(JudgeError, match="vilt model does not fit kind vqa; no kind"):
        open_judge(Path(), document("vqa", tmp_path), "cpu")
