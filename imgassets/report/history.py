"""A report's files on disk, and the facts of the one before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgassets.report.diff import Facts, same_facts
from imgassets.report.forms import REPORT_FORMS
from imgassets.storage.whole_file import write_whole

_PREVIOUS = "previous.json"


@dataclass(frozen=True)
class KeptReport:
    """One endpoint's folder of reports."""

    folder: Path

    def previous(self, facts: Facts) -> Facts | None:
        """The last report that said something else than `facts`; None for the first one.

        Made again without anything new, a report still shows what changed before.
        """
        last = self._read(REPORT_FORMS["json"])
        if last is None or not same_facts(last, facts):
            return last
        return self._read(_PREVIOUS)

    def write(self, files: Mapping[str, str], previous: Facts | None) -> None:
        """All files, each whole or not at all, with the facts they were compared with."""
        beside = {} if previous is None else {_PREVIOUS: json.dumps(previous, ensure_ascii=False)}
        for name, text in (beside | dict(files)).items():
            write_whole(self.folder / name, text)

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None  # absent or damaged: there is nothing to compare with
