"""Each score is made once: of one image, by one judge, against one expectation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imgassets.documents.judge import Clip, SsdMobilenet
from imgassets.documents.prompts import Expectation
from imgassets.judges.errors import JudgeError
from imgassets.metrics import score_processes
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.metric_rows import measure
from imgassets.metrics.score_processes import scored_quickly
from imgassets.metrics.scores import Score
from imgassets.metrics.scoring import tasks_of
from imgassets.storage.image_store import ImageStore
from imgassets.storage.score_store import ScoreStore
from imgassets_tests.benchmarks.metrics_memory import image_rows, made_up
from imgassets_tests.benchmarks.metrics_speed import WANTED, drawn
from imgassets_tests.metrics.factories import branch

STARS = Expectation.model_validate({"include": [{"class": "star"}]})


@pytest.fixture
def kept(tmp_path: Path) -> ScoreStore:
    return ScoreStore(tmp_path / "scores.sqlite", tmp_path / "quarantine")


class Looks:
    """The composition of images, counting how often each is looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: Counter[str] = Counter()
        family = FAMILIES["composition"]
        monkeypatch.setitem(FAMILIES, "composition", replace(family, scorer=self._scorer))

    def _scorer(self, branch: Any) -> Callable[[Any], list[Score]]:
        def score(image: Any) -> list[Score]:
            self.at[image.image_key] += 1
            return [Score("composition.correct", 1.0)]

        return score

    def since(self) -> int:
        """How many images were looked at since this was last asked."""
        found, self.at = self.at, Counter()
        return len(found)


def rows(count: int, **columns: Any) -> pd.DataFrame:
    return image_rows(count, "generate").assign(image_sha256="ab" * 32, **columns)


def read(key: str) -> np.ndarray:
    return made_up(key, 32)


def test_a_score_is_made_once(kept: ScoreStore, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, wanted = Looks(monkeypatch), {("generate", "p"): WANTED}

    def run(count: int, **said: Any) -> pd.DataFrame:
        told = {"expectations": wanted} | said
        return measure(["composition"], branch(rows(count), read, **told), kept)["composition"]

    first = run(5)
    assert looks.since() == 5
    assert run(5).equals(first)
    assert looks.since() == 0
    run(7)
    assert looks.since() == 2  # two images more
    run(7, expectations={("generate", "p"): STARS})
    assert looks.since() == 7  # another expectation
    run(7, judge_version="another threshold")
    assert looks.since() == 7  # another judge


def test_an_image_made_anew_is_looked_at_again(
    kept: ScoreStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same key, and another file under it: what was in quarantine came out differently."""
    looks, wanted = Looks(monkeypatch), {("generate", "p"): WANTED}
    measure(["composition"], branch(rows(3), read, expectations=wanted), kept)
    again = rows(3)
    again.loc[1, "image_sha256"] = "cd" * 32
    looks.since()
    measure(["composition"], branch(again, read, expectations=wanted), kept)
    assert looks.since() == 1


def test_what_may_pass_is_not_kept_and_what_stays_is(kept: ScoreStore) -> None:
    def broken(key: str) -> Any:
        raise OSError("the disk is away")

    images = rows(1, prompt_id="p")
    wanted = {("generate", "p"): WANTED}
    found = measure(["composition"], branch(images, broken, expectations=wanted), kept)
    assert found["composition"]["reason"].str.startswith("unreadable: the disk").all()
    found = measure(["composition"], branch(images, read, expectations=wanted), kept)
    assert found["composition"]["value"].notna().any()
    unknown = {("generate", "p"): Expectation.model_validate({"include": [{"class": "cat"}]})}
    found = measure(["composition"], branch(images, read, expectations=unknown), kept)
    reason = found["composition"]["reason"].iloc[0]
    assert reason.startswith("cannot be judged: the detector of flat shapes does not know")
    again = measure(["composition"], branch(images, broken, expectations=unknown), kept)
    assert again["composition"]["reason"].iloc[0] == reason


def test_processes_find_what_one_process_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real images in a real store, scored here and in processes of their own."""
    store = ImageStore(tmp_path / "images")
    images = rows(10)
    for key in images["image_key"]:
        picture = Image.fromarray(made_up(key, 96))
        store.put(key, picture, request={}, made_at="2026-11-27T00:00:00+00:00")
    wanted = {("generate", "p"): WANTED}
    here = branch(images, store.read_array, expectations=wanted)
    there = replace(here, stored=store)
    monkeypatch.setattr(score_processes, "usable_cores", lambda: 2)
    monkeypatch.setattr(score_processes, "START_SECONDS", 0.0)
    tasks = list(tasks_of(["composition", "look"], here, images.itertuples()))
    alone, together = (list(scored_quickly(tasks, one)) for one in (here, there))
    assert [task.image.image_key for task, _ in together] == list(images["image_key"])
    for (_, one), (_, other) in zip(alone, together, strict=True):
        assert one.keys() == other.keys() == {"composition", "look"}
        assert all(one[name].scores == other[name].scores for name in one)


class Talker:
    """A judge that looks at several images at once, and cannot judge dark ones."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def similarity(self, images: Any, texts: Any) -> list[tuple[float, str]]:
        self.asked.append(len(images))
        if any(image.mean() < 10 for image in images):
            raise JudgeError("too dark")
        return [(0.25, "")] * len(images)


def test_learned_judges_look_at_batches(kept: ScoreStore) -> None:
    talker = Talker()
    document = Clip.model_validate(
        {"judge": "near", "kind": "clip", "weights": "here", "batch_size": 4}
    )
    said = {
        "judge": lambda _: talker,
        "judges": {"alignment": document},
        "expectations": {("generate", "p"): WANTED},
        "prompts": {("generate", "p"): "two red circles"},
    }

    def seen(key: str) -> np.ndarray:
        return np.zeros((32, 32, 3), np.uint8) if int(key) == 5 else drawn(32)

    found = measure(["alignment"], branch(rows(9), seen, **said), kept)["alignment"]
    assert found["metric"].unique().tolist() == ["alignment.clip_score"]
    assert found["value"].isna().tolist() == [key == 5 for key in range(9)]
    assert found["reason"].iloc[5] == "cannot be judged: too dark"
    assert talker.asked[0] == 4


def test_a_family_without_its_kind_of_judge_has_no_rows() -> None:
    boxes = SsdMobilenet.model_validate({"judge": "small", "kind": "ssd-mobilenet"})
    family = FAMILIES["alignment"]
    assert family.measured_on("generate", boxes.kind) == []
    assert family.measured_on("generate", "vqa") == ["alignment.vqa_score", "alignment.questions"]
