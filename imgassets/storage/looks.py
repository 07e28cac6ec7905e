"""The record of looks: which data a comparison was judged on, and in which order.

`HOME/looks/ENDPOINT/MODEL.json` holds one entry a look. A look is counted when a comparison of
the same two models is judged on other requests than before (seeds added, prompts added or
changed); judging the same requests again is the same look. Another candidate or incumbent under
the same name is another comparison, which begins at 1.

Where people judged images, other labelled images are another look too. `MODEL.people.json` counts
those by themselves, so that the first labels after a look by the judge alone are no second look.
`MODEL.review.json` counts looks at people's answers on pairs in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from imgassets.documents.base import fingerprint
from imgassets.storage.whole_file import write_whole


@dataclass(frozen=True)
class Looks:
    """The looks taken in a project; a missing file means none.

    Attributes:
        folder: `HOME/looks`.
    """

    folder: Path

    def path(self, endpoint: str, model: str) -> Path:
        """The record of one comparison."""
        return self.folder / endpoint / f"{model}.json"

    def number(
        self, endpoint: str, model: str, compared: Iterable[str], images: Iterable[str]
    ) -> int:
        """Which look this is, from 1; counted and kept where it is a new one.

        Arguments:
            compared: what tells this comparison from others, such as both models' fingerprints.
            images: keys of all images it rests on, in any order.

        Raises:
            ValueError: the record was damaged; names it and the fix.
        """
        path = self.path(endpoint, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        comparison, seen = fingerprint(list(compared)), fingerprint(sorted(set(images)))
        with FileLock(path.with_suffix(".lock")):
            entries = self._read(path)
            mine = [entry["images"] for entry in entries if entry["comparison"] == comparison]
            if seen in mine:
                return mine.index(seen) + 1
            when = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            entry = {"comparison": comparison, "images": seen, "when": when}
            write_whole(path, json.dumps([*entries, entry], indent=1))
            return len(mine) + 1

    def number_with_labels(
        self,
        endpoint: str,
        model: str,
        compared: Sequence[str],
        images: Sequence[str],
        labelled: Iterable[tuple[str, str]],
    ) -> int:
        """As `number`, where people judged images: the larger of both counts.

        Arguments:
            labelled: (image key, metric) of all labels, in any order; none counts as `number` does.
        """
        look = self.number(endpoint, model, compared, images)
        known = set(images)
        mine = [f"{key}/{metric}" for key, metric in labelled if key in known]
        if not mine:
            return look
        seen = [*images, *mine]  # no model has a dot in its name
        return max(look, self.number(endpoint, f"{model}.people", compared, seen))

    def number_of_answers(
        self,
        endpoint: str,
        model: str,
        compared: Sequence[str],
        answered: Iterable[tuple[str, str]],
    ) -> int:
        """Which look at people's answers on pairs this is, from 1; no answer counts as the first.

        Arguments:
            answered: (image key, who) of every answer that may estimate anything, in any order.
        """
        mine = [f"{key}/{who}" for key, who in answered]
        return self.number(endpoint, f"{model}.review", compared, mine) if mine else 1

    def _read(self, path: Path) -> list[dict[str, Any]]:
        if not path.exists():
            return []
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            return [{k: str(e[k]) for k in ("comparison", "images", "when")} for e in entries]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{path} is damaged; delete it to count looks at this comparison anew"
            ) from error
