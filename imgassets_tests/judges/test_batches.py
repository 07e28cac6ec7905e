"""Learned judges answer the same twice, and whatever the batch. docs/judges.md has the numbers.

Run with `-s` to see the largest differences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgassets.judges.registry import open_judge
from imgassets_tests.judges import small_models as small
from imgassets_tests.judges.small_models import document, made, photo

pytest.importorskip("transformers")

#: Largest difference of a score (probability, cosine, stretched confidence) by the batch.
FLOAT32, BFLOAT16 = 1e-4, 2e-2
LOW = {"presence": 0.01, "counting": 0.6}
IMAGES = [photo(0), photo(1), photo(2, 48, 72), photo(3)]
QUESTIONS = ("Does this figure show cat ?", "show dog ?", "show cat ?", "show dog ?")


def boxes(judge: Any, at: Sequence[int]) -> list[Any]:
    asked = [("cat", "dog") if place < 3 else ("dog",) for place in at]
    found = judge.detect_batch([IMAGES[i] for i in at], asked)
    return [
        [(word, [d.score for d in of if d.class_ == word]) for word in ("cat", "dog")]
        for of in found
    ]


def answers(judge: Any, at: Sequence[int]) -> list[Any]:
    said = judge.ask([IMAGES[i] for i in at], [QUESTIONS[i] for i in at])
    return [[("", [a.yes, a.no])] for a in said]


def cosines(judge: Any, at: Sequence[int]) -> list[Any]:
    near = judge.similarity([IMAGES[i] for i in at], [QUESTIONS[i] for i in at])
    return [[("", [cosine])] for cosine, _ in near]


JUDGES: list[tuple[str, Callable[[Path], Path], Callable[[Any, Sequence[int]], list[Any]]]] = [
    ("object-detection", small.detr, boxes),
    ("object-detection", small.rt_detr, boxes),
    ("object-detection", small.d_fine, boxes),
    ("instance-segmentation", small.mask2former, boxes),
    ("zero-shot-object-detection", small.owl, boxes),
    ("zero-shot-object-detection", small.dino, boxes),
    ("vqa", small.llava, answers),
    ("clip", small.clip, cosines),
    ("clip", small.siglip, cosines),
]
each_judge = pytest.mark.parametrize(
    ("kind", "make", "ask"), JUDGES, ids=[make.__name__ for _, make, _ in JUDGES]
)


def differences(kind: str, make: Any, ask: Any, device: str, dtype: str) -> tuple[float, float]:
    """Largest difference between two calls, and between batches of 1 and of 4."""
    fields: dict[str, Any] = {"batch_size": 4, "dtype": dtype}
    if ask is boxes:
        fields["thresholds"] = LOW
    judge = open_judge(Path(), document(kind, made(make), **fields), device)
    every = list(range(len(IMAGES)))
    together, again = ask(judge, every), ask(judge, every)
    alone = [ask(judge, [place])[0] for place in every]
    return _largest(together, again), _largest(together, alone)


def _largest(some: list[Any], others: list[Any]) -> float:
    worst = 0.0
    for of_one, of_other in zip(some, others, strict=True):
        for (word, ours), (same, theirs) in zip(of_one, of_other, strict=True):
            assert word == same
            assert len(ours) == len(theirs)
            worst = max([worst, *np.abs(np.subtract(ours, theirs)).tolist()])
    return worst


@each_judge
def test_twice_and_in_any_batch_the_same(kind: str, make: Any, ask: Any) -> None:
    twice, batched = differences(kind, make, ask, "cpu", "float32")
    print(f"{make.__name__}: {batched:.1e}")
    assert twice == 0.0
    assert batched <= FLOAT32


@pytest.mark.gpu
@each_judge
def test_the_same_on_a_gpu(kind: str, make: Any, ask: Any) -> None:
    """In float32 without TF32, and in bfloat16, whose steps are 0.4 % of a number."""
    pytest.importorskip("torch")
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    for dtype, most in (("float32", FLOAT32), ("bfloat16", BFLOAT16)):
        twice, batched = differences(kind, make, ask, "cuda", dtype)
        print(f"{make.__name__}, {dtype}: {batched:.1e}")
        assert twice == 0.0
        assert batched <= most


def test_a_batch_is_never_larger_than_the_document_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """And holds images of one size only: padding would change what the others are."""
    judge = open_judge(
        Path(), document("object-detection", made(small.detr), batch_size=2, thresholds=LOW), "cpu"
    )
    seen: list[list[tuple[int, ...]]] = []
    look = type(judge)._look
    monkeypatch.setattr(
        type(judge),
        "_look",
        lambda self, images: (seen.append([i.shape for i in images]), look(self, images))[1],
    )
    judge.detect_batch([*IMAGES, photo(4)], [("cat",)] * 5)
    assert sorted(map(len, seen)) == [1, 2, 2]
    assert all(len(set(shapes)) == 1 for shapes in seen)
