"""The tokenizer of the prompts: whole words outside double quotes, single characters inside."""

from __future__ import annotations

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from imgassets.tiny.models import MAX_TOKENS
from imgassets.tiny.scenes import (
    ALPHABET,
    BACKGROUNDS,
    COLORS,
    COUNT_WORDS,
    LETTER_HEIGHT,
    RELATIONS,
    SHAPES,
)

SPECIAL = PAD, BOS, UNKNOWN, EOS = ("<pad>", "<bos>", "<unk>", "<eos>")
_FILLER = ("a", "an", "on", "in", "text", '"')
# A quote; or a character with an odd number of quotes to its right, which is one inside quotes;
# or a run of letters and digits. Spaces and other punctuation are dropped.
_PIECES = r'"|[^"\s](?=[^"]*"(?:[^"]*"[^"]*")*[^"]*$)|\w+'


def vocabulary() -> dict[str, int]:
    """Every word and character a scene's prompt can hold, by id; special tokens come first."""
    relations = [word for relation in RELATIONS for word in relation.split()]
    plurals = [f"{shape}s" for shape in SHAPES]
    words = [*SPECIAL, *_FILLER, *LETTER_HEIGHT, *COUNT_WORDS, *relations, *COLORS, *BACKGROUNDS,
             *SHAPES, *plurals, *ALPHABET]  # fmt: skip
    return {word: index for index, word in enumerate(dict.fromkeys(words))}


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of at most 16 tokens a prompt, ``<bos>`` and ``<eos>`` included.

    Words outside the vocabulary become ``<unk>``. Upper case is a different token from lower
    case: ``A`` is the letter to draw, ``a`` the article.
    """
    ids = vocabulary()
    backend = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECES), behavior="removed", invert=True)
    backend.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A {EOS}",
        special_tokens=[(BOS, ids[BOS]), (EOS, ids[EOS])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=MAX_TOKENS,
        padding_side="right",
        truncation_side="right",
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNKNOWN,
        pad_token=PAD,
    )
