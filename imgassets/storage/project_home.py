"""Every path of what a project makes. No other module joins these names.

HOME/                  `$IMGASSETS_HOME`, or `.imgassets/` in the project
  images/              every image ever made, by image key
  scores.sqlite        what was found in them, by score key
  tables/E/M/          a table for each asset of endpoint E and model M; verdicts as JSON
  reports/E/           the report of an endpoint, in all its forms
  looks/  more/        which data a comparison was judged on; seeds added to a branch
  calibrations/        what judges were measured to be right at, by fingerprint
  drift/               images that came out differently when made again
  documents/           facets of the documents as they once were
  quarantine/          harmed tables; harmed images are in images/quarantine/
  cache/               copies of what $IMGASSETS_STORE keeps, unless $IMGASSETS_CACHE is set
  paid/                the journal of paid requests
  outcomes/            what became of production's requests, and what was concluded from it
  pilots/E/M/          what came of traffic replayed against a served model, images included
  pilots-tried/E/M/    the same with other traffic than the contract's
  docs/  reproduce/    Data Docs; what `imgassets reproduce` made
  selftest/            what the self-test made
  review-token         part of the address of the review page
  dagster/             Dagster's own files
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imgassets.documents.environment import folder_in

#: Of a report's forms, the one that an asset is known by.
REPORT_PAGE = "report.html"


@dataclass(frozen=True)
class ProjectHome:
    """The folder that a project keeps everything it makes in.

    Attributes:
        folder: whole path; need not be there.
    """

    folder: Path

    @property
    def images(self) -> Path:
        """The image store."""
        return self.folder / "images"

    @property
    def scores(self) -> Path:
        """The scores of all images."""
        return self.folder / "scores.sqlite"

    @property
    def tables(self) -> Path:
        """Tables and verdicts."""
        return self.folder / "tables"

    def output(self, key: Sequence[str]) -> Path:
        """The file an asset writes: its table, its verdict, or its report.

        Args:
            key: the asset's, such as `("headline", "fast", "generated")`.
        """
        if key[-1] == "report":
            return self.reports(*key[:-1]) / REPORT_PAGE
        suffix = ".json" if key[-1] == "verdict" else ".parquet"
        return self.tables.joinpath(*key).with_suffix(suffix)

    @property
    def all_reports(self) -> Path:
        """The reports of all endpoints."""
        return self.folder / "reports"

    def reports(self, endpoint: str) -> Path:
        """An endpoint's report, in all its forms."""
        return self.all_reports / endpoint

    @property
    def looks(self) -> Path:
        """Which data each comparison was judged on."""
        return self.folder / "looks"

    @property
    def extra_seeds(self) -> Path:
        """Seeds added to branches beside their contracts."""
        return self.folder / "more"  # the first name of the option that adds them

    @property
    def drift(self) -> Path:
        """Images that came out differently when made again."""
        return self.folder / "drift"

    @property
    def calibrations(self) -> Path:
        """What judges were measured to be right at."""
        return self.folder / "calibrations"

    @property
    def facets(self) -> Path:
        """Facets of the documents as they once were."""
        return self.folder / "documents"

    @property
    def quarantine(self) -> Path:
        """Harmed tables, for inspection."""
        return self.folder / "quarantine"

    @property
    def paid(self) -> Path:
        """The journal of paid requests."""
        return self.folder / "paid"

    def pilot(self, endpoint: str, model: str, tried: bool = False) -> Path:
        """The last pilot of a branch; nothing measured under load is kept anywhere else.

        `tried`: the last one with other traffic than the contract's.
        """
        return self.folder / ("pilots-tried" if tried else "pilots") / endpoint / model

    @property
    def outcomes(self) -> Path:
        """What became of production's requests, a file an endpoint."""
        return self.folder / "outcomes"

    @property
    def cache(self) -> Path:
        """Copies of what is kept far away; may be deleted at any time.

        Raises:
            PlaceError: $IMGASSETS_CACHE is set to what is no whole path.
        """
        return folder_in("IMGASSETS_CACHE") or self.folder / "cache"

    @property
    def shared(self) -> tuple[Path, ...]:
        """Folders whose files are kept in the store as well, where several machines share one."""
        made = (self.tables, self.all_reports)
        return (*made, self.looks, self.extra_seeds, self.drift, self.calibrations)

    def shared_file(self, name: str) -> Path | None:
        """The file of such a folder, by its path in the home; None for all others."""
        path = self.folder / name
        inside = any(path.is_relative_to(folder) for folder in self.shared)
        return path if inside and ".." not in path.parts else None

    @property
    def docs(self) -> Path:
        """Great Expectations' Data Docs."""
        return self.folder / "docs"

    @property
    def selftest(self) -> ProjectHome:
        """The self-test's own home."""
        return ProjectHome(self.folder / "selftest")

    def reproduced(self, image_key: str) -> Path:
        """What `imgassets reproduce` made of a request."""
        return self.folder / "reproduce" / image_key[:12]

    @property
    def dagster(self) -> Path:
        """Dagster's own files, unless `$DAGSTER_HOME` is set."""
        return self.folder / "dagster"

    @property
    def ui_note(self) -> Path:
        """Where the project's UI says that it runs."""
        return self.folder / "ui.json"

    @property
    def review_token(self) -> Path:
        """Part of the address of the review page."""
        return self.folder / "review-token"

    @property
    def user(self) -> Path:
        """Stands for the user's own folder where there is none."""
        return self.folder / "user"


def home_of(root: Path) -> ProjectHome:
    """Where everything made is kept: `$IMGASSETS_HOME`, or `.imgassets/` in the project.

    Args:
        root: the project's folder, which holds `contracts/`.

    Raises:
        PlaceError: the variable is set to what is no whole path.
    """
    return ProjectHome(folder_in("IMGASSETS_HOME") or root / ".imgassets")
