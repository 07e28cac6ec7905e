"""Resources: the project's documents, its folders, and the device images are made on."""

from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from imgassets.backends.base import Backend
from imgassets.backends.device import Device, choose_device
from imgassets.backends.generation import Make
from imgassets.documents.project import Project, find_root, load_project
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import ProjectHome, home_of


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
        return ImageStore(self.home().images)


class BackendPool(dg.ConfigurableResource):
    """Picks the device, and keeps each model's pipeline loaded for the length of a run."""

    device: str = "auto"
    _backends: dict[str, Backend] = PrivateAttr(default_factory=dict)

    def chosen(self) -> tuple[Device, str]:
        """The device class, and why it was chosen."""
        return choose_device(self.device)

    def maker(self, project: Project, model: str, flow: str) -> Make:
        """What makes a model's images of a flow; its pipeline is loaded when first asked for."""
        # Not at the top: a code location must load without torch and diffusers.
        from imgassets.backends.registry import opened_late

        return opened_late(lambda: self._opened(project, model, flow))

    def _opened(self, project: Project, model: str, flow: str) -> Make:
        from imgassets.backends.registry import maker_of, postprocess_maker, upscale_maker

        device, _ = self.chosen()
        document = project.model(model)
        if flow == "postprocess":
            return postprocess_maker(project.root)
        if flow == "upscale":
            return upscale_maker(
                project.root, document, device, lambda: self._backend(project, model)
            )
        return maker_of(flow, self._backend(project, model))

    def _backend(self, project: Project, model: str) -> Backend:
        from imgassets.backends.registry import open_backend

        if model not in self._backends:
            device, _ = self.chosen()
            self._backends[model] = open_backend(project.root, project.model(model), device)
        return self._backends[model]
