"""A random sample of what production delivered, scored as any image: artefacts and appearance.

Outcomes that are `ok` and name an image take part; a failed request has none to score. Of each arm
the images with the lowest lots of a stage are looked at, a hundred at most: a lot is drawn from the
request's id, so the sample stays random while more come, and few are looked at again. A file that
is no image, or blank, is a defect although its request was `ok`. A file that cannot be read here,
or is not the one that was delivered, says nothing, and how many there are is told.

The arms are compared once a look at the outcomes, at the level of that look, spent a second time.
What is found freezes the rollout for a person to look, and reverts nothing: it is a sample, and
users of the two arms asked for different pictures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from imgassets.decision.formatting import amount
from imgassets.decision.statistics import ENDLESS, Difference, Estimate, holm
from imgassets.images.errors import RefusedError
from imgassets.images.folders import why_not_read
from imgassets.images.intake import open_for_inspection, read_file
from imgassets.images.normalize import normalize
from imgassets.images.pixels import BadImageError
from imgassets.metrics.families import METRICS
from imgassets.rollout.outcomes import ARMS, OutcomeLog
from imgassets.rollout.rates import Arm, p_worse

CLEAN = "artefacts.clean"
#: Families that ask for nothing but the image.
FAMILIES = ("artefacts", "look")
#: Images of each arm and stage that are looked at, and the fewest that say anything.
SAMPLE, LEAST = 100, 30
#: Scores of images of one arm, by metric.
Scores = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Compared:
    """One metric in both arms.

    Attributes:
        metric: its name.
        candidate, incumbent: means over images, in the metric's unit.
        margin: how much worse the candidate may be; either way for metrics without a better side.
        p: p-value of "no further apart than that", corrected for the number of metrics.
        broken: whether p is within the level.
    """

    metric: str
    candidate: float
    incumbent: float
    margin: float
    p: float
    broken: bool

    def __str__(self) -> str:
        unit = METRICS[self.metric].unit
        ours, theirs = amount(self.candidate, unit), amount(self.incumbent, unit)
        return f"{self.metric} is {ours} in the candidate's images, {theirs} in the incumbent's"


@dataclass(frozen=True)
class ImageFinding:
    """What the sampled images of a stage say.

    Attributes:
        sentence: for people.
        images: looked at, by arm.
        unread: of them, those that say nothing.
        compared: metrics with a margin.
        complete: whether all of the sample has been looked at.
    """

    sentence: str
    images: Mapping[str, int]
    unread: int
    compared: tuple[Compared, ...] = ()
    complete: bool = False

    @property
    def broken(self) -> bool:
        """Whether a person must look before the rollout goes on."""
        return any(one.broken for one in self.compared)

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> ImageFinding:
        """From what `to_dict` made of it."""
        compared = tuple(Compared(**one) for one in data["compared"])
        return cls(**{**data, "compared": compared})


@dataclass(frozen=True)
class ImageSample:
    """The sample of one stage.

    Attributes:
        log: the outcomes.
        folder: that paths of images start from, if they are no whole paths.
        since: of the stage.
        size: images of each arm at most.
    """

    log: OutcomeLog
    folder: Path
    since: datetime
    size: int = SAMPLE

    def look_at_more(self, most: int) -> int:
        """Score images of the sample that were not looked at yet; returns how many are left.

        Args:
            most: images; what is done is kept, so whoever is stopped goes on there.
        """
        drawn = [row for arm in ARMS for row in self._drawn(arm)]
        with self.log.database() as database:
            known = {name for (name,) in database.execute("SELECT id FROM seen")}
        new = [row for row in drawn if row[0] not in known]
        for name, path, sha256 in new[:most]:
            scores, problem = score_image(self.folder / path, sha256)
            with self.log.database(writes=True) as database:
                database.execute(
                    "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)",
                    (name, json.dumps(scores), problem),
                )
        return max(0, len(new) - most)

    def finding(self, margins: Mapping[str, float], level: float) -> ImageFinding:
        """What the images say that were looked at so far.

        Args:
            margins: by metric of the families above; others are left out.
            level: chance of a wrong alarm.
        """
        arms, unread, left = self._scores()
        images = {arm: len(scores.get(CLEAN, ())) for arm, scores in arms.items()}
        told = f"{images['candidate']} and {images['incumbent']} images of candidate and incumbent"
        if min(images.values()) < LEAST:
            few = f"{told} looked at, {LEAST} of each are needed"
            return ImageFinding(few + _unread(unread), images, unread)
        compared = tuple(compare(arms["candidate"], arms["incumbent"], margins, level))
        broken = [str(one) for one in compared if one.broken]
        clean = next((str(one) for one in compared if one.metric == CLEAN), told)
        words = "; ".join(broken) if broken else f"{clean}: no margin is broken"
        words = f"{words} ({told}){_unread(unread)}"
        return ImageFinding(words, images, unread, compared, complete=not left)

    def kept(
        self, rollout: str, look: int, margins: Mapping[str, float], level: float
    ) -> ImageFinding:
        """The finding of one look, which is made once, as soon as the sample is looked at.

        Arguments as of `finding`; until then what is known so far, which concludes nothing.
        """
        place = (rollout, look)
        query = "SELECT finding FROM image_looks WHERE rollout = ? AND number = ?"
        with self.log.database() as database:
            known = database.execute(query, place).fetchone()
        if known:
            return ImageFinding.of(json.loads(known[0]))
        found = self.finding(margins, level)
        if not found.complete or not look:
            return replace(found, compared=())
        with self.log.database(writes=True) as database:
            written = json.dumps(found.to_dict())
            database.execute(
                "INSERT OR IGNORE INTO image_looks VALUES (?, ?, ?)", (*place, written)
            )
        return found

    def _scores(self) -> tuple[dict[str, dict[str, list[float]]], int, int]:
        """Scores by arm and metric, how many images say nothing, how many are not looked at."""
        found: dict[str, dict[str, list[float]]] = {arm: {} for arm in ARMS}
        unread = left = 0
        with self.log.database() as database:
            seen = {n: (s, p) for n, s, p in database.execute("SELECT * FROM seen")}
        for arm in ARMS:
            for name, _, _ in self._drawn(arm):
                scores, problem = seen.get(name, ("", ""))
                left, unread = left + (not scores), unread + bool(problem)
                for metric, value in json.loads(scores or "{}").items():
                    found[arm].setdefault(metric, []).append(value)
        return found, unread, left

    def _drawn(self, arm: str) -> list[tuple[str, str, str]]:
        with self.log.database() as database:
            return database.execute(
                "SELECT id, image, sha256 FROM outcomes WHERE arm = ? AND status = 'ok'"
                " AND image != '' AND at >= ? ORDER BY lot LIMIT ?",
                (arm, self.since.timestamp(), self.size),
            ).fetchall()


def score_image(path: Path, sha256: str = "") -> tuple[dict[str, float], str]:
    """(scores by metric, why there are none) of one delivered image.

    Args:
        path: of the file; a link is not followed.
        sha256: of the file that was delivered, 64 hex digits; empty where it is not known.

    Returns:
        `artefacts.clean` 0 alone for a file that is no image or blank. No scores, and why, for one
        that cannot be read here or is another file than the delivered one.
    """
    from imgassets.metrics.formulas import appearance, artefacts
    from imgassets.metrics.formulas.artefact_patterns import score_patterns

    if problem := why_not_read(path):
        return {}, problem
    try:
        data = read_file(path)
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            return {}, "another file than the one that was delivered"
        opened = open_for_inspection(data)
        clean = artefacts.score(artefacts.inspect(opened, opened.size, "RGB"))
        if not clean.value:
            return {CLEAN: 0.0}, ""
        pixels = np.asarray(normalize(data).image)
        scores = [clean, *score_patterns(pixels), *appearance.score(pixels)]
    except RefusedError:
        return {CLEAN: 0.0}, ""
    except BadImageError as error:  # a few pixels small
        return {CLEAN: 1.0}, str(error)
    return {s.metric: float(s.value) for s in scores if s.metric in METRICS}, ""


def compare(
    candidate: Scores, incumbent: Scores, margins: Mapping[str, float], level: float
) -> list[Compared]:
    """Metrics that have a margin and enough images in both arms.

    Images without defects are compared exactly, by how many are not; others by Welch's t.
    """
    rows = []
    for metric, margin in margins.items():
        ours, theirs = candidate.get(metric, ()), incumbent.get(metric, ())
        if min(len(ours), len(theirs)) >= LEAST:
            p = _p(metric, ours, theirs, margin, level)
            rows.append((metric, float(np.mean(ours)), float(np.mean(theirs)), margin, p))
    corrected = holm([row[-1] for row in rows]) if rows else []
    return [Compared(*row[:-1], p, p <= level) for row, p in zip(rows, corrected, strict=True)]


def _p(
    metric: str, ours: Sequence[float], theirs: Sequence[float], margin: float, level: float
) -> float:
    if metric == CLEAN:
        one, other = (Arm(len(s), sum(value < 1 for value in s)) for s in (ours, theirs))
        return p_worse(one, other, margin, level)
    difference = Difference(Estimate.of(ours, ENDLESS), Estimate.of(theirs, ENDLESS))
    above, below = difference.p_at_least(margin), difference.p_at_most(-margin)
    direction = METRICS[metric].direction
    if direction == "same":
        return min(1.0, 2 * min(above, below))
    return below if direction == "higher" else above


def _unread(count: int) -> str:
    return f"; {count} more could not be read here, or are other files" if count else ""
