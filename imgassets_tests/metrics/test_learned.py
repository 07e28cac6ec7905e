"""Learned metrics, for real, on small models with random weights built from a config."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from imgassets.documents.metric_catalogue import METRICS
from imgassets.documents.prompts import Expectation
from imgassets.images.pixels import BadImageError
from imgassets.metrics.formulas import learned
from imgassets.metrics.formulas.learned import (
    LEARNED,
    ClipScore,
    LearnedUnavailableError,
    Lpips,
    Question,
    VqaCheck,
    questions,
)
from imgassets.metrics.metric_rows import learned_table
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


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LPIPS with random weights, named as the reference package names them."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("models") / "lpips"
    folder.mkdir()
    make, state = torch.Generator().manual_seed(0), {}
    shapes = ((64, 3, 11), (192, 64, 5), (384, 192, 3), (256, 384, 3), (256, 256, 3))
    for n, ((out, into, side), at) in enumerate(zip(shapes, (0, 3, 6, 8, 10), strict=True)):
        weight = torch.randn(out, into, side, side, generator=make) / (into * side * side) ** 0.5
        state[f"net.slice{n + 1}.{at}.weight"] = weight
        state[f"net.slice{n + 1}.{at}.bias"] = torch.randn(out, generator=make) * 0.1
        state[f"lin{n}.model.1.weight"] = torch.rand(1, out, 1, 1, generator=make)
    save_file(state, str(folder / "model.safetensors"))
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


def test_lpips_is_the_formula_over_alexnet(alexnet: Path) -> None:
    """A second implementation, from modules instead of functions; 0 for equal, symmetric."""
    import torch
    from safetensors.torch import load_file
    from torch import nn

    one, two = photo(70, 64), photo(70, 64)[::-1].copy()
    found = Lpips(alexnet, device="cpu")
    assert found.distance(one, one).value == 0.0
    assert found.distance(one, two).value == pytest.approx(found.distance(two, one).value)
    state = load_file(str(alexnet / "model.safetensors"))
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, 1, 2),
        nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(), nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(),
    ]  # fmt: skip
    for number, at in enumerate((0, 3, 6, 8, 10), 1):
        for part in ("weight", "bias"):
            getattr(layers[at], part).data = state[f"net.slice{number}.{at}.{part}"]
    shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
    scaled = ((np.stack([one, two]) / 127.5 - 1 - shift) / scale).astype(np.float32)
    hidden, expected = torch.from_numpy(scaled.transpose(0, 3, 1, 2)), 0.0
    with torch.inference_mode():
        for at, layer in enumerate(layers):
            hidden = layer(hidden)
            if at in (1, 4, 7, 9, 11):
                level = (1, 4, 7, 9, 11).index(at)
                unit = nn.functional.normalize(hidden, dim=1)
                weighted = (unit[0] - unit[1]) ** 2 * state[f"lin{level}.model.1.weight"][0]
                expected += float(weighted.sum(dim=0).mean())
    assert found.distance(one, two).value == pytest.approx(expected, abs=1e-4)
    with pytest.raises(BadImageError, match="same size"):
        found.distance(one, photo(64, 64))


@pytest.mark.parametrize("kind", [ClipScore, VqaCheck, Lpips])
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
    for kind in (ClipScore, VqaCheck, Lpips):
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
    judges = [ClipScore(clip, device="cpu")]
    asked = {("generate", "p"): ("a red star", NOTHING)}
    rows = learned_table(images, asked, judges, lambda _: photo())
    assert list(rows["metric"]) == ["learned.clip_score"] * 2
    assert rows["value"].isna().tolist() == [False, True]
    assert rows["reason"].iloc[1] == "blank: flat"


def test_no_contract_can_name_a_learned_metric() -> None:
    """Off by default: they are in no vocabulary, table or graph."""
    assert not {m.name for m in LEARNED} & set(METRICS)
    assert {m.family for m in LEARNED} == {"learned"}
