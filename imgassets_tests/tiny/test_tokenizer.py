"""The tokenizer reads words outside quotes and characters inside them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from imgassets.tiny.models import MAX_TOKENS
from imgassets.tiny.scenes import TASKS, sample_scene
from imgassets.tiny.tokenizer import build_tokenizer, vocabulary


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer as built for training."""
    return build_tokenizer()


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [
        ("", []),
        ("a red circle", ["a", "red", "circle"]),
        ('text "AB12" in red', ["text", '"', "A", "B", "1", "2", '"', "in", "red"]),
        ('"RED" in red', ['"', "R", "E", "D", '"', "in", "red"]),
        ("a green dragon", ["a", "green", "<unk>"]),
        ('"A b" on white.', ['"', "A", "<unk>", '"', "on", "white"]),
    ],
)
def test_pieces(tokenizer: PreTrainedTokenizerFast, prompt: str, tokens: list[str]) -> None:
    """Prompts come apart as the table says, between <bos> and <eos>."""
    found = tokenizer.convert_ids_to_tokens(tokenizer(prompt).input_ids)
    assert found == ["<bos>", *tokens, "<eos>"]


def test_no_scene_is_cut_or_unknown(tokenizer: PreTrainedTokenizerFast) -> None:
    """Every prompt a scene can have fits, and all its pieces are in the vocabulary."""
    rng = random.Random(0)
    for _ in range(100):
        for task in TASKS:
            ids = tokenizer(sample_scene(rng, task).prompt).input_ids
            assert len(ids) <= MAX_TOKENS
            assert tokenizer.unk_token_id not in ids


def test_long_prompts_keep_their_end_token(tokenizer: PreTrainedTokenizerFast) -> None:
    """A prompt cut at the limit still ends in <eos>, where the pooled state is read."""
    ids = tokenizer("red " * 40, truncation=True).input_ids
    assert len(ids) == MAX_TOKENS
    assert ids[-1] == tokenizer.eos_token_id


def test_a_saved_tokenizer_reads_the_same(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    """Saving and loading changes no id; ids are dense from 0."""
    tokenizer.save_pretrained(tmp_path)
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    prompt = 'small text "Z9" in pink on gray'
    assert again(prompt).input_ids == tokenizer(prompt).input_ids
    assert sorted(vocabulary().values()) == list(range(len(tokenizer)))
