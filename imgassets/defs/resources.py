"""Resources: the project's documents, its folders, and the device images are made on."""

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import PrivateAttr

from imgassets.backends.base import Backend
from imgassets.backends.batches import Engine, Make
from imgassets.backends.device import Device, choose_device
from imgassets.documents.project import Project, find_root, load_project
from imgassets.engines.choice import can_be_spread, engine_setting
from imgassets.engines.making import Spread
from imgassets.engines.worker import Order
from imgassets.flows import FlowName
from imgassets.refresh.document_changes import FacetHistory, facet_key, present_facets
from imgassets.storage.calibrations import calibrations_of, judges_in_words
from imgassets.storage.image_store import ImageStore, store_of
from imgassets.storage.looks import Looks
from imgassets.storage.project_home import ProjectHome, home_of
from imgassets.storage.score_store import ScoreStore, score_store_of

if TYPE_CHECKING:
    from imgassets.engines.teams import Teams
    from imgassets.metrics.score_processes import Others
    from imgassets.report.diff import Describe
    from imgassets.report.history import KeptReport


class ProjectResource(dg.ConfigurableResource):
    """The project on disk. Documents are read anew in every run, so edits need no restart."""

    root: str = ""

    def project(self) -> Project:
        """All documents as they are now."""
        return load_project(Path(self.root) if self.root else find_root())

    def home(self) -> ProjectHome:
        """Where everything made is kept."""
        return home_of(Path(self.root) if self.root else find_root())

    def store(self) -> ImageStore:
        """Every image ever made here, under its image key."""
        return store_of(self.home())

    def judges(self, project: Project, endpoint: str) -> dict[str, str]:
        """The judge of each metric family of an endpoint, and how often it is right."""
        known = calibrations_of(self.home())
        return judges_in_words(project, project.endpoint(endpoint), known)

    def scores(self) -> ScoreStore:
        """What was found in them, under its score key."""
        return score_store_of(self.home())


class LookRecord(dg.ConfigurableResource):
    """Counts on how many sets of requests two models were compared; a comparison writes there."""

    workplace: dg.ResourceDependency[ProjectResource]

    def record(self) -> Looks:
        """The looks taken in the project."""
        return Looks(self.workplace.home().looks)


class EarlierReports(dg.ConfigurableResource):
    """What reports said before, and documents as they were then: for what changed since."""

    workplace: dg.ResourceDependency[ProjectResource]

    def kept(self, endpoint: str) -> "KeptReport":
        """An endpoint's folder of reports; the new one is written there."""
        from imgassets.report.history import KeptReport

        return KeptReport(self.workplace.home().reports(endpoint))

    def describe(self) -> "Describe":
        """Tells the field that changed in a document since a version of one of its facets."""
        project = self.workplace.project()
        facets, history = present_facets(project), FacetHistory.of(project.root)

        def describe(kind: str, name: str, facet: str, before: str) -> str:
            now = facets.get(facet_key(kind, name, facet))
            return history.describe(now, before) if now else ""

        return describe


class BackendPool(dg.ConfigurableResource):
    """Picks the device, and keeps each model's pipeline loaded for the length of a run.

    By `$IMGASSETS_ENGINE` it has workers do so, which end with the run.
    """

    device: str = "auto"
    _backends: dict[str, Backend] = PrivateAttr(default_factory=dict)
    _teams: list["Teams"] = PrivateAttr(default_factory=list)

    def chosen(self) -> tuple[Device, str]:
        """The device class, and why it was chosen."""
        return choose_device(self.device)

    def maker(self, project: Project, model: str, flow: FlowName) -> Make:
        """What makes a model's images of a flow; its pipeline is loaded when first asked for."""
        # Not at the top: a code location must load without torch and diffusers.
        from imgassets.backends.registry import opened_late

        return opened_late(lambda: self._opened(project, model, flow))

    def engine(self, project: Project, model: str, flow: FlowName) -> Make | Engine:
        """As `maker`, or workers that share its batches, where `$IMGASSETS_ENGINE` says so.

        Raises:
            PlaceError: the variable is no engine.
            EngineError: that engine is not here.
        """
        teams, document = self._workers(), project.model(model)
        if teams is None or not can_be_spread(document, flow):
            return self.maker(project, model, flow)
        device, _ = self.chosen()
        return Spread(teams.making(), Order(project.root, document, flow, device))

    def scorers(self) -> "Others":
        """Who scores images beside this process: its machine's cores, or a cluster's.

        Raises:
            PlaceError: the variable is no engine.
        """
        from imgassets.metrics.score_processes import ALL_CORES

        teams = self._workers()
        return teams.scoring() if teams else ALL_CORES

    def _workers(self) -> "Teams | None":
        """Those of the run, where `$IMGASSETS_ENGINE` names any."""
        setting = engine_setting()
        if setting and not self._teams:
            from imgassets.engines.teams import Teams

            self._teams.append(Teams(setting, self.chosen()[0]))
        return self._teams[0] if setting else None

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """The run is over, well or not: no worker stays."""
        while self._teams:
            self._teams.pop().close()

    def _opened(self, project: Project, model: str, flow: FlowName) -> Make:
        from imgassets.backends.registry import open_maker

        device, _ = self.chosen()
        document = project.model(model)
        return open_maker(
            flow, project.root, document, device, lambda: self._backend(project, model)
        )

    def _backend(self, project: Project, model: str) -> Backend:
        from imgassets.backends.registry import open_backend

        if model not in self._backends:
            device, _ = self.chosen()
            self._backends[model] = open_backend(project.root, project.model(model), device)
        return self._backends[model]
