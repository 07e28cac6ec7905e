"""Learned metrics, for real, on small models with random weights built from a config."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from imgassets.documents.prompts import Expectation
from imgassets.metrics.families import METRICS
from imgassets.metrics.family import Family
from imgassets.metrics.formulas import learned
from imgassets.metrics.formulas.learned import (
    LEARNED,
    ClipScore,
    LearnedUnavailableError,
    Question,
    VqaCheck,
    questions,
)
from imgassets.metrics.metric_rows import metric_table
from imgassets_tests.judges.test_learned_detectors import clip as clip
from imgassets_tests.judges.test_learned_detectors import photo

transformers = pytest.importorskip("transformers")

WANTED = Expectation.model_validate(
    {"include": [{"class": "star", "count": 2, "color": "red"}], "background": "white"}
)
NOTHING = Expectation()


@pytest.fixture(scope="module")
def vilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ViLT of some ten thousand random weights that knows four answers."""
    import torch

    folder = tmp_path_factory.mktemp("models") / "vilt"
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "?", "is", "there", "a", "star"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    tokenizer = transformers.BertTokenizer(str(folder / "vocab.txt"))
    config = transformers.ViltConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, image_size=32, patch_size=16, max_position_embeddings=40,
        id2label=dict(enumerate(("yes", "no", "2", "red"))),
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.ViltForQuestionAnswering(config).save_pretrained(folder)
    looks = transformers.ViltImageProcessor(size={"shortest_edge": 32}, size_divisor=16)
    transformers.ViltProcessor(looks, tokenizer).save_pretrained(folder)
    return folder


def test_clip_score_is_the_models_own_cosine(clip: Path) -> None:
    """Against `logits_per_image` without its temperature; never below 0."""
    import torch

    (found,) = ClipScore(clip, device="cpu").score(photo(), "a red star", NOTHING)
    assert found.metric == "learned.clip_score"
    model = transformers.CLIPModel.from_pretrained(clip)
    inputs = transformers.CLIPProcessor.from_pretrained(clip)(
        text=["a red star"], images=photo(), return_tensors="pt"
    )
    with torch.inference_mode():
        logit = float(model(**inputs).logits_per_image / model.logit_scale.exp())
    assert found.value == pytest.approx(100 * max(0.0, logit), abs=1e-4)
    assert found.reason == ""


def test_clip_says_when_a_prompt_is_cut(clip: Path) -> None:
    (found,) = ClipScore(clip, device="cpu").score(photo(), "star " * 60, NOTHING)
    assert "to 77 tokens" in found.reason
    assert 0.0 <= found.value <= 100.0


def test_vqa_answers_as_transformers_own_pipeline(vilt: Path) -> None:
    check = VqaCheck(vilt, device="cpu")
    answer, sure = check.ask(photo(), "is there a star?")
    asked = transformers.ViltProcessor.from_pretrained(vilt)(
        photo(), "is there a star?", return_tensors="pt"
    )
    logits = transformers.ViltForQuestionAnswering.from_pretrained(vilt)(**asked).logits[0]
    assert answer == ("yes", "no", "2", "red")[int(logits.argmax())]
    assert sure == pytest.approx(float(logits.sigmoid().max()), abs=1e-4)


def test_vqa_scores_the_share_of_right_answers(vilt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = VqaCheck(vilt, device="cpu")
    answers = {q.text: (q.answer, 0.9) for q in questions(WANTED)}
    monkeypatch.setattr(check, "ask", lambda image, question: answers[question])
    assert check.score(photo(), "", WANTED)[0].value == 1.0
    answers["how many stars are there?"] = ("3", 0.5)
    (found,) = check.score(photo(), "", WANTED)
    assert found.value == pytest.approx(0.75)
    assert found.reason == "how many stars are there? expected 2, got 3 (50%)"
    assert check.score(photo(), "", NOTHING) == []


def test_questions_follow_from_the_expectation() -> None:
    assert questions(WANTED) == [
        Question("is there a star in the picture?", "yes"),
        Question("how many stars are there?", "2"),
        Question("what color is the star?", "red"),
        Question("what color is the background?", "white"),
    ]


@pytest.mark.parametrize("kind", [ClipScore, VqaCheck])
def test_a_folder_without_such_a_model_is_said(kind: Any, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(LearnedUnavailableError):
        kind(tmp_path / "nowhere", device="cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LearnedUnavailableError):
        kind(tmp_path / "empty", device="cpu")


def test_only_safetensors_are_loaded(clip: Path, tmp_path: Path) -> None:
    """A folder whose weights are a pickle is refused, though transformers could read it."""
    import torch

    for file in clip.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    state = transformers.CLIPModel.from_pretrained(clip).state_dict()
    torch.save(state, tmp_path / "pytorch_model.bin")
    with pytest.raises(LearnedUnavailableError, match="safetensors"):
        ClipScore(tmp_path, device="cpu")


def test_absent_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra: no error until a metric is made, and then one with the remedy."""

    def missing(name: str, *rest: Any) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(learned.importlib, "import_module", missing)
    for kind in (ClipScore, VqaCheck):
        with pytest.raises(LearnedUnavailableError, match=r"pip install 'imgassets\[learned\]'"):
            kind(tmp_path, device="cpu")


def test_importing_the_module_loads_no_network() -> None:
    code = (
        "import sys, imgassets.metrics.formulas.learned; "
        "sys.exit(any(m in sys.modules for m in ('torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_table_of_learned_scores_keeps_failures_apart(clip: Path) -> None:
    images = pd.DataFrame(
        {
            "endpoint": "e", "model": "m", "flow": "generate", "prompt_id": "p", "seed": [1, 2],
            "replicate": 0, "image_key": ["a", "b"], "status": ["ok", "blank"], "message": "flat",
        }
    )  # fmt: skip
    judge = ClipScore(clip, device="cpu")
    family = Family(
        "learned",
        "1",
        "How near is an image to its prompt?",
        tuple(m for m in LEARNED if m.name in judge.metrics),
        (),
        lambda _: lambda image: judge.score(photo(), "a red star", NOTHING),
    )
    rows = metric_table(family, SimpleNamespace(images=images))
    assert list(rows["metric"]) == ["learned.clip_score"] * 2
    assert rows["value"].isna().tolist() == [False, True]
    assert rows["reason"].iloc[1] == "blank: flat"


def test_no_contract_can_name_a_learned_metric() -> None:
    """Off by default: they are in no vocabulary, table or graph."""
    assert not {m.name for m in LEARNED} & set(METRICS)
    assert {m.family for m in LEARNED} == {"learned"}
