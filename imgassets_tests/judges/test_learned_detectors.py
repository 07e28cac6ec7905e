"""Learned detectors, for real, on small models with random weights built from a config."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from imgassets.documents.prompts import Expectation
from imgassets.judges.detectors import DetectorError
from imgassets.judges.learned_detectors import (
    GENEVAL_COLORS,
    Bars,
    ClipColors,
    OpenVocabularyDetector,
)
from imgassets.judges.pixel_colors import PixelColors
from imgassets.metrics.formulas.composition import score

transformers = pytest.importorskip("transformers")

TEXT = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
LOOK = {**TEXT, "image_size": 32, "patch_size": 4}
BARS = Bars(presence=0.01, counting=0.6)


def save_tokenizer(folder: Path) -> int:
    """A CLIP tokenizer that spells every word letter by letter; returns its vocabulary's size."""
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    made = transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    made.save_pretrained(folder)
    return len(words)


def text_config(size: int) -> dict[str, int]:
    last = {"bos_token_id": size - 2, "eos_token_id": size - 1, "pad_token_id": size - 1}
    return {**TEXT, "vocab_size": size, "max_position_embeddings": 77, **last}


@pytest.fixture(scope="module")
def owl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OWLv2 of a few thousand random weights."""
    import torch

    folder = tmp_path_factory.mktemp("models") / "owl"
    config = transformers.Owlv2Config(
        text_config=text_config(save_tokenizer(folder)), vision_config=LOOK, projection_dim=16
    )
    torch.manual_seed(1)
    transformers.Owlv2ForObjectDetection(config).save_pretrained(folder)
    size = {"height": 32, "width": 32}
    transformers.Owlv2ImageProcessor(size=size).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP of a few thousand random weights."""
    import torch

    folder = tmp_path_factory.mktemp("models") / "clip"
    config = transformers.CLIPConfig(
        text_config=text_config(save_tokenizer(folder)), vision_config=LOOK, projection_dim=16
    )
    torch.manual_seed(1)
    transformers.CLIPModel(config).save_pretrained(folder)
    size = {"height": 32, "width": 32}
    transformers.CLIPImageProcessor(size=size, crop_size=size).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Grounding DINO of some ten thousand random weights."""
    import torch

    folder = tmp_path_factory.mktemp("models") / "dino"
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "cat", "dog"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    look = transformers.SwinConfig(
        image_size=32, embed_dim=8, depths=[1] * 4, num_heads=[1] * 4, window_size=2,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    text = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2,
    )  # fmt: skip
    config = transformers.GroundingDinoConfig(
        backbone_config=look, text_config=text, d_model=32, num_queries=8, max_text_len=16,
        encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_layers=2, decoder_attention_heads=2, decoder_ffn_dim=32,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.GroundingDinoForObjectDetection(config).save_pretrained(folder)
    size = {"shortest_edge": 64, "longest_edge": 96}
    transformers.GroundingDinoImageProcessor(size=size).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def detector(owl: Path) -> OpenVocabularyDetector:
    return OpenVocabularyDetector(
        str(owl), bars=BARS, max_overlap=0.5, device="cpu", colors=PixelColors()
    )


def photo(height: int = 64, width: int = 90) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_detections_keep_the_protocol(detector: OpenVocabularyDetector) -> None:
    """Classes asked for, boxes inside the image, scores above the bar, the surest first."""
    image = photo()
    found = detector.detect(image, ["cat", "dog"])
    assert found
    assert {d.class_ for d in found} <= {"cat", "dog"}
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
    for detection in found:
        x0, y0, x1, y1 = detection.box
        assert 0 <= x0 < x1 <= 90
        assert 0 <= y0 < y1 <= 64
        assert 0.3 < detection.score <= 1.0
        assert detection.color in detector.colors


def test_overlapping_boxes_are_thinned(owl: Path, detector: OpenVocabularyDetector) -> None:
    all_boxes = OpenVocabularyDetector(
        str(owl), bars=BARS, max_overlap=1.0, device="cpu", colors=PixelColors()
    )
    assert len(detector.detect(photo(), ["cat"])) < len(all_boxes.detect(photo(), ["cat"]))


def test_same_image_same_answer(detector: OpenVocabularyDetector) -> None:
    assert detector.detect(photo(), ["cat"]) == detector.detect(photo(), ["cat"])
    assert detector.detect(photo(), []) == []


def test_scores_reach_the_rule(detector: OpenVocabularyDetector) -> None:
    """An open vocabulary is judged by the same rule as the flat shapes."""
    wanted = Expectation.model_validate({"include": [{"class": "cat", "count": 1}]})
    assert score(photo(), wanted, detector)[0].value == 1.0
    unwanted = Expectation.model_validate({"exclude": [{"class": "cat", "count": 1}]})
    (verdict,) = score(photo(), unwanted, detector)
    assert verdict.value == 0.0
    assert verdict.reason.startswith("expected no cat, found ")


def test_grounding_dino_hears_sentences(dino: Path) -> None:
    """Its labels are spelled its way on the way in, and as asked on the way out."""
    made = OpenVocabularyDetector(
        str(dino), bars=BARS, max_overlap=0.9, device="cpu", colors=PixelColors()
    )
    found = made.detect(photo(), ["Cat", "dog"])
    assert {d.class_ for d in found} == {"Cat", "dog"}


def test_only_safetensors_are_loaded(owl: Path, tmp_path: Path) -> None:
    """A folder whose weights are a pickle is refused, though transformers could read it."""
    import torch

    folder = tmp_path / "pickled"
    folder.mkdir()
    for file in owl.iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    model = transformers.Owlv2ForObjectDetection.from_pretrained(owl)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(DetectorError, match="safetensors"):
        OpenVocabularyDetector(
            str(folder), bars=BARS, max_overlap=0.5, device="cpu", colors=PixelColors()
        )


def test_bars_map_to_the_published_thresholds() -> None:
    assert BARS.stretched(0.01) == pytest.approx(0.3)
    assert BARS.stretched(0.6) == pytest.approx(0.9)
    assert BARS.stretched(1.0) == 1.0
    steps = [BARS.stretched(value) for value in np.linspace(0, 1, 21)]
    assert steps == sorted(steps)
    with pytest.raises(DetectorError, match="presence"):
        Bars(presence=0.6, counting=0.2)


def test_pixel_colors_name_the_middle_of_the_box() -> None:
    image = np.full((80, 80, 3), 255, np.uint8)
    image[20:60, 20:60] = (20, 85, 230)
    assert PixelColors().color(image, (15, 15, 65, 65), "cup") == "blue"
    assert PixelColors().color(image, (0, 0, 15, 15), "cup") == "white"
    assert PixelColors().color(image, (90, 90, 95, 95), "cup") is None


def test_clip_colors_follow_geneval(clip: Path) -> None:
    """GenEval's ten names; the same crop gets the same name, an empty box none."""
    judge = ClipColors(str(clip), device="cpu")
    named = judge.color(photo(), (10.0, 10.0, 50.0, 40.0), "cup")
    assert named in GENEVAL_COLORS
    assert named == judge.color(photo(), (10.0, 10.0, 50.0, 40.0), "cup")
    assert judge.color(photo(), (95.0, 0.0, 99.0, 10.0), "cup") is None
