"""Small models of transformers with random weights, for real, written to a folder.

Their answers mean nothing; that they come out the same, whatever the batch, is what tests look at.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from imgassets.documents.judge import judge_class

TEXT = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
LOOK = {**TEXT, "image_size": 32, "patch_size": 4}
SIDE = {"height": 32, "width": 32}
CLASSES = ("cat", "dog", "sofa")
#: Words of the question model; each is a token.
WORDS = (
    "<pad>", "<s>", "</s>", "<unk>", "<image>", "Yes", "yes", "No", "no", "maybe", "USER:",
    "ASSISTANT:", "Does", "this", "figure", "show", "cat", "dog", "?",
)  # fmt: skip
CHAT = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %} ASSISTANT:{% endfor %}"
)


_FOLDER = tempfile.TemporaryDirectory(prefix="imgassets-small-models-")


@cache
def made(make: Callable[[Path], Path]) -> Path:
    """The folder of a small model, made once a process."""
    return make(Path(_FOLDER.name) / make.__name__)


def photo(seed: int = 0, height: int = 64, width: int = 90) -> np.ndarray:
    """Noise: uint8, (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def document(kind: str, weights: Path | str, **fields: Any) -> Any:
    """A judge document of a kind."""
    data = {"judge": "small", "kind": kind, "weights": str(weights), **fields}
    return judge_class(data).model_validate(data)


def _spelling_tokenizer(folder: Path) -> int:
    """A CLIP tokenizer that spells every word letter by letter; returns its vocabulary's size."""
    import transformers

    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    made = transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    made.save_pretrained(folder)
    return len(words)


def _text_config(size: int) -> dict[str, int]:
    last = {"bos_token_id": size - 2, "eos_token_id": size - 1, "pad_token_id": size - 1}
    return {**TEXT, "vocab_size": size, "max_position_embeddings": 77, **last}


def _saved(model: Any, folder: Path) -> None:
    model.save_pretrained(folder)


def _seeded(seed: int) -> None:
    import torch

    torch.manual_seed(seed)


def _spread(head: Any) -> None:
    """Makes a head of classes prefer another class for each object, as random ones do not."""
    import torch

    with torch.no_grad():
        head.weight.normal_(0.0, 0.5)


def owl(folder: Path) -> Path:
    """An OWLv2 of a few thousand weights."""
    import transformers

    config = transformers.Owlv2Config(
        text_config=_text_config(_spelling_tokenizer(folder)), vision_config=LOOK, projection_dim=16
    )
    _seeded(1)
    _saved(transformers.Owlv2ForObjectDetection(config), folder)
    transformers.Owlv2ImageProcessor(size=SIDE).save_pretrained(folder)
    return folder


def clip(folder: Path) -> Path:
    """A CLIP of a few thousand weights."""
    import transformers

    config = transformers.CLIPConfig(
        text_config=_text_config(_spelling_tokenizer(folder)), vision_config=LOOK, projection_dim=16
    )
    _seeded(1)
    _saved(transformers.CLIPModel(config), folder)
    transformers.CLIPImageProcessor(size=SIDE, crop_size=SIDE).save_pretrained(folder)
    return folder


def siglip(folder: Path) -> Path:
    """A SigLIP of a few thousand weights; reads 64 tokens."""
    import transformers

    config = transformers.SiglipConfig(
        text_config={
            **_text_config(_spelling_tokenizer(folder)),
            "max_position_embeddings": 64,
            "projection_size": 16,
        },
        vision_config=LOOK,
    )
    _seeded(1)
    _saved(transformers.SiglipModel(config), folder)
    transformers.SiglipImageProcessor(size=SIDE).save_pretrained(folder)
    return folder


def dino(folder: Path) -> Path:
    """A Grounding DINO of some ten thousand weights."""
    import transformers

    folder.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "cat", "dog"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    look = transformers.SwinConfig(
        image_size=32, embed_dim=8, depths=[1] * 4, num_heads=[1] * 4, window_size=2,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    text = transformers.BertConfig(vocab_size=len(words), **TEXT)
    config = transformers.GroundingDinoConfig(
        backbone_config=look, text_config=text, d_model=32, num_queries=8, max_text_len=16,
        encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_layers=2, decoder_attention_heads=2, decoder_ffn_dim=32,
    )  # fmt: skip
    _seeded(0)
    _saved(transformers.GroundingDinoForObjectDetection(config), folder)
    size = {"shortest_edge": 64, "longest_edge": 96}
    transformers.GroundingDinoImageProcessor(size=size).save_pretrained(folder)
    return folder


def _labels(names: Sequence[str]) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: i for i, name in enumerate(names)},
    }


def _resnet(stages: int) -> Any:
    import transformers

    names = [f"stage{i}" for i in range(2, 2 + stages)]
    return transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, layer_type="basic",
        out_features=names[-stages:],
    )  # fmt: skip


def detr(folder: Path, names: Sequence[str] = (*CLASSES, "N/A")) -> Path:
    """A DETR of some ten thousand weights."""
    import transformers

    config = transformers.DetrConfig(
        backbone_config=_resnet(3), d_model=32, num_queries=12, encoder_layers=1,
        encoder_attention_heads=2, encoder_ffn_dim=32, decoder_layers=1, decoder_attention_heads=2,
        decoder_ffn_dim=32, **_labels(names),
    )  # fmt: skip
    _seeded(0)
    model = transformers.DetrForObjectDetection(config)
    _spread(model.class_labels_classifier)
    _saved(model, folder)
    size = {"shortest_edge": 64, "longest_edge": 96}
    transformers.DetrImageProcessor(size=size).save_pretrained(folder)
    return folder


def rt_detr(folder: Path, names: Sequence[str] = CLASSES) -> Path:
    """An RT-DETRv2 of some ten thousand weights."""
    import transformers

    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.RTDetrV2Config(
        backbone_config=backbone, **_small_rt_detr(), **_labels(names)
    )
    _seeded(0)
    _saved(transformers.RTDetrV2ForObjectDetection(config), folder)
    transformers.RTDetrImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def _small_rt_detr() -> dict[str, Any]:
    return {
        "encoder_hidden_dim": 32, "encoder_in_channels": [8, 16, 16], "encoder_layers": 1,
        "encoder_ffn_dim": 32, "encoder_attention_heads": 2, "d_model": 32, "num_queries": 12,
        "decoder_in_channels": [32, 32, 32], "decoder_ffn_dim": 32, "decoder_layers": 2,
        "decoder_attention_heads": 2, "num_denoising": 0, "feat_strides": [8, 16, 32],
    }  # fmt: skip


def d_fine(folder: Path, names: Sequence[str] = CLASSES) -> Path:
    """A D-FINE of some ten thousand weights."""
    import transformers

    backbone = transformers.HGNetV2Config(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1] * 4,
        stem_channels=[3, 8, 8], stage_in_channels=[8, 8, 8, 16], stage_mid_channels=[8] * 4,
        stage_out_channels=[8, 8, 16, 16], stage_num_blocks=[1] * 4,
        stage_downsample=[False, True, True, True], stage_light_block=[False] * 4,
        stage_kernel_size=[3] * 4, stage_numb_of_layers=[1] * 4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.DFineConfig(
        backbone_config=backbone, **_small_rt_detr(), **_labels(names)
    )
    _seeded(0)
    _saved(transformers.DFineForObjectDetection(config), folder)
    transformers.RTDetrImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def mask2former(folder: Path, names: Sequence[str] = CLASSES) -> Path:
    """A Mask2Former of some ten thousand weights."""
    import transformers

    backbone = transformers.SwinConfig(
        image_size=32, embed_dim=8, depths=[1] * 4, num_heads=[1] * 4, window_size=2,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone, feature_size=32, mask_feature_size=32, hidden_dim=32,
        encoder_feedforward_dim=32, encoder_layers=1, decoder_layers=2, num_attention_heads=2,
        dim_feedforward=32, num_queries=12, **_labels(names),
    )  # fmt: skip
    _seeded(0)
    model = transformers.Mask2FormerForUniversalSegmentation(config)
    _spread(model.class_predictor)
    _saved(model, folder)
    size = {"shortest_edge": 64, "longest_edge": 128}
    transformers.Mask2FormerImageProcessor(size=size).save_pretrained(folder)
    return folder


def llava(folder: Path, *, chat: bool = True) -> Path:
    """A model that answers questions (LLaVA) of some ten thousand weights and 19 words."""
    import tokenizers
    import transformers

    folder.mkdir(parents=True)
    special = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    words = {word: i for i, word in enumerate(WORDS)}
    plain = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, special["unk_token"]))
    plain.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, additional_special_tokens=["<image>"], **special
    )
    text = transformers.LlamaConfig(
        **TEXT, vocab_size=len(WORDS), max_position_embeddings=256, num_key_value_heads=2,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, initializer_range=0.5,
    )  # fmt: skip
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**LOOK, projection_dim=16), text_config=text,
        image_token_index=WORDS.index("<image>"), vision_feature_layer=-1,
    )  # fmt: skip
    _seeded(0)
    _saved(transformers.LlavaForConditionalGeneration(config), folder)
    transformers.LlavaProcessor(
        transformers.CLIPImageProcessor(size=SIDE, crop_size=SIDE), tokenizer, patch_size=4,
        vision_feature_select_strategy="default", chat_template=CHAT if chat else None,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def pickled(folder: Path, of: Path) -> Path:
    """A copy of a model's folder whose weights are a pickle."""
    import torch
    from safetensors.torch import load_file

    folder.mkdir(parents=True)
    for file in of.iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    torch.save(load_file(of / "model.safetensors"), folder / "pytorch_model.bin")
    return folder
