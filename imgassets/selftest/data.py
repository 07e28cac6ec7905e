"""Images and metric tables of the self-test: of the healthy model, and with a fault planted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from imgassets.backends.base import Backend
from imgassets.backends.device import Device
from imgassets.backends.generation import Make, make_images
from imgassets.documents.base import fingerprint
from imgassets.documents.judge import judge_fingerprint
from imgassets.documents.project import Project
from imgassets.flows import FLOWS, FlowName, MadeBy
from imgassets.metrics import branch as measured
from imgassets.metrics.families import FAMILIES, FAMILY_VERSIONS
from imgassets.metrics.metric_rows import measure
from imgassets.requests import Request, build_requests, requests_version, stacked
from imgassets.selftest.catalogue import Fault
from imgassets.selftest.image_faults import Spot, decode
from imgassets.storage.image_store import ImageStore, store_of
from imgassets.storage.project_home import ProjectHome

#: Reproducible anywhere; the faults are planted on the CPU.
_DEVICE: Device = "cpu"
Key = tuple[str, str, str, int, int]


@dataclass(frozen=True)
class Branch:
    """One endpoint's images of a model, and what was measured on them.

    Attributes:
        requests: what was asked for, all flows.
        images: one row a request.
        tables: one a metric family, by name in `scores`.
    """

    endpoint: str
    model: str
    requests: tuple[Request, ...]
    images: pd.DataFrame
    scores: dict[str, pd.DataFrame]

    @property
    def tables(self) -> list[pd.DataFrame]:
        """The metric tables, without their names."""
        return list(self.scores.values())


@dataclass
class FaultRunner:
    """Makes and measures images, and keeps both the store and what was measured."""

    project: Project
    home: ProjectHome
    progress: Callable[[str], None]
    _healthy: dict[tuple[str, str, tuple[int, ...]], Branch] = field(default_factory=dict)
    _makers: dict[str, Backend] = field(default_factory=dict)

    @property
    def store(self) -> ImageStore:
        """The self-test's own image store."""
        return store_of(self.home)

    def healthy(self, endpoint: str, model: str, seeds: Sequence[int]) -> Branch:
        """The model as it is, with these seeds."""
        key = (endpoint, model, tuple(seeds))
        if key not in self._healthy:
            self.progress(f"{endpoint}: healthy {model}, {len(seeds)} seeds")
            requests = build_requests(
                _seeded(self.project, endpoint, seeds), endpoint, model, _DEVICE
            )
            name = (endpoint, model, f"healthy-{'-'.join(map(str, seeds))}")
            self._healthy[key] = self._kept(
                name,
                requests,
                lambda: self._measured(
                    endpoint, model, requests, self._made(requests, model, None), self.store
                ),
            )
        return self._healthy[key]

    def faulty(self, healthy: Branch, fault: Fault) -> Branch:
        """The same with a fault planted."""
        plant = self._spoiled if fault.spoil else self._garbled
        name = (healthy.endpoint, healthy.model, f"{fault.name}-{fault.strength}-{fault.what}")
        return self._kept(name, healthy.requests, lambda: plant(healthy, fault))

    def example(self, healthy: Branch, fault: Fault) -> tuple[bytes, bytes] | None:
        """A file of the healthy model and the same with a fault; None where nothing changes.

        An image that could not be made is an empty file.
        """
        if fault.spoil:
            files = SpoiledFiles(self.store, healthy.images, fault)
            return next(
                ((self.store.read_bytes(k), files.read_bytes(k)) for k in files.changed), None
            )
        faulty = self.faulty(healthy, fault).images
        both: Any = zip(healthy.images.itertuples(), faulty.itertuples(), strict=True)
        changed = [(a, b) for a, b in both if a.flow in fault.flows and a.image_key != b.image_key]
        if not changed:
            return None
        before, after = changed[len(changed) // 5]
        made = self.store.read_bytes(after.image_key) if after.status == "ok" else b""
        return self.store.read_bytes(before.image_key), made

    def _kept(
        self, name: tuple[str, str, str], requests: Sequence[Request], make: Callable[[], Branch]
    ) -> Branch:
        """What was measured before, where nothing it rests on has changed since."""
        contract = self.project.endpoint(name[0])
        sets = [fingerprint(prompts) for prompts in self.project.prompts_of(contract)]
        price = self.project.model(name[1]).price.model_dump(mode="json")
        used = contract.judges_used.values()
        judges = [judge_fingerprint(self.project.root, self.project.judge(j)) for j in used]
        rests_on = [*name, requests_version(requests), FAMILY_VERSIONS, judges, sets, price]
        folder = self.home.tables / fingerprint(rests_on)[:16]
        families = contract.families
        if not folder.is_dir():
            branch = make()
            temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
            temporary.mkdir(parents=True)
            for part, table in {"images": branch.images, **branch.scores}.items():
                table.to_parquet(temporary / f"{part}.parquet")
            try:
                temporary.rename(folder)
            except OSError:  # another process was first
                shutil.rmtree(temporary)
            return branch
        scores = {f: pd.read_parquet(folder / f"{f}.parquet") for f in families}
        images = pd.read_parquet(folder / "images.parquet")
        return Branch(name[0], name[1], tuple(requests), images, scores)

    # ---- faults of image files ---------------------------------------------------------------

    def _spoiled(self, healthy: Branch, fault: Fault) -> Branch:
        files = SpoiledFiles(self.store, healthy.images, fault)
        return self._remeasured(healthy, healthy.requests, healthy.images, files, files.changed)

    # ---- faults of requests, documents and pipelines -----------------------------------------

    def _garbled(self, healthy: Branch, fault: Fault) -> Branch:
        new_keys: dict[str, str] = {}
        requests = []
        for flow in FLOWS:  # sources come before what is made of them
            of_flow = [r for r in healthy.requests if r.flow == flow]
            for number, request in enumerate(of_flow):
                garbled = _planted(request, number, fault, new_keys)
                new_keys[request.image_key] = garbled.image_key
                requests.append(garbled)
        images = self._made(requests, healthy.model, fault)
        changed = {new for old, new in new_keys.items() if old != new}
        return self._remeasured(healthy, requests, images, self.store, changed)

    def _made(self, requests: Sequence[Request], model: str, fault: Fault | None) -> pd.DataFrame:
        size = self.project.model(model).batch_size
        tables = []
        for flow in dict.fromkeys(r.flow for r in requests):
            of_flow = [r for r in requests if r.flow == flow]
            missing = not all(self.store.has(r.image_key) for r in of_flow)
            make = self._maker(model, flow, fault) if missing else _nothing
            table, made = make_images(
                of_flow, self.store, make, batch_size=size, progress=lambda *_: None
            )
            tables.append(table)
            if made:
                self.progress(f"  {made} images made ({flow})")
        return stacked(tables)

    def _maker(self, model: str, flow: FlowName, fault: Fault | None) -> Make:
        from imgassets.backends.registry import open_maker

        # Upscalers stay healthy: faults of pipelines strike what the backend itself makes.
        planted = fault if FLOWS[flow].made_by is MadeBy.BACKEND else None
        document = self.project.model(model)
        return open_maker(
            flow, self.project.root, document, _DEVICE, lambda: self._backend(model, planted)
        )

    def _backend(self, model: str, fault: Fault | None) -> Backend:
        from imgassets.selftest.pipeline_faults import faulty_backend

        # A fault of the request alone needs no other pipeline than the healthy one.
        document, inside = ({}, None) if fault is None else (dict(fault.document), fault.inside)
        key = repr((model, document, inside))
        if key not in self._makers:
            self._makers = {k: v for k, v in self._makers.items() if k.endswith("{}, None)")}
            self._makers[key] = faulty_backend(self.project, model, document, inside)
        return self._makers[key]

    # ---- measuring ---------------------------------------------------------------------------

    def _remeasured(
        self,
        healthy: Branch,
        requests: Sequence[Request],
        images: pd.DataFrame,
        stored: Any,
        changed: Collection[str],
    ) -> Branch:
        """Measure what changed, or was made of what changed; take the rest as it was."""
        other = images["image_key"].isin(list(changed)) | images["source_key"].isin(list(changed))
        measured = self._measured(
            healthy.endpoint, healthy.model, requests, images, stored, images[other]
        )
        same = set(images["image_key"][~other])
        for family, table in healthy.scores.items():
            if FAMILIES[family].across is None:  # else it was measured as a whole
                kept = table[table["image_key"].isin(same)]
                parts = [t for t in (kept, measured.scores[family]) if len(t)]
                measured.scores[family] = stacked(parts) if parts else table
        return measured

    def _measured(
        self,
        endpoint: str,
        model: str,
        requests: Sequence[Request],
        images: pd.DataFrame,
        stored: Any,
        changed: pd.DataFrame | None = None,
    ) -> Branch:
        names = self.project.endpoint(endpoint).families
        alone = [name for name in names if FAMILIES[name].across is None]
        together = [name for name in names if name not in alone]
        looked_at = images if changed is None else changed
        scores = measure(
            alone, measured.Branch(self.project, endpoint, model, looked_at, stored)
        ) | measure(together, measured.Branch(self.project, endpoint, model, images, stored))
        return Branch(endpoint, model, tuple(requests), images, scores)


class SpoiledFiles:
    """The stored images, with a fault of image files planted. Read only."""

    def __init__(self, store: ImageStore, images: pd.DataFrame, fault: Fault) -> None:
        self._store, self._fault = store, fault
        struck = images[images["flow"].isin(fault.flows) & (images["status"] == "ok")]
        sources = [s if isinstance(s, str) else None for s in struck["source_key"]]
        self._spots = {
            key: (number, source)
            for number, (key, source) in enumerate(zip(struck["image_key"], sources, strict=True))
        }
        self._files = {key: self._spoiled(key) for key in self._spots}

    @property
    def changed(self) -> dict[str, None]:
        """Keys of files that are not what they were, in order."""
        struck = self._files.items()
        return dict.fromkeys(k for k, file in struck if file != self._store.read_bytes(k))

    def read_bytes(self, key: str) -> bytes:
        """The file of a key, with the fault where it strikes."""
        return self._files[key] if key in self._files else self._store.read_bytes(key)

    def read_array(self, key: str) -> np.ndarray:
        """The same, decoded: uint8 (H, W, 3), sRGB, 0..255."""
        return decode(self.read_bytes(key))

    def _spoiled(self, key: str) -> bytes:
        number, source = self._spots[key]
        if self._fault.spoil is None:
            raise ValueError(f"{self._fault.name} is no fault of image files")
        made_of = self._store.read_bytes(source) if source else None
        return self._fault.spoil(self._store.read_bytes(key), Spot(number, made_of))


def _planted(request: Request, number: int, fault: Fault, new_keys: dict[str, str]) -> Request:
    """The request as it arrives; the same where the fault does not strike."""
    inputs = dict(request.inputs)
    if request.source_key:
        inputs["source"] = new_keys[request.source_key]
    if request.flow in fault.flows and FLOWS[request.flow].made_by is MadeBy.BACKEND:
        inputs = fault.garble(inputs, number) if fault.garble else inputs
        if fault.document or fault.inside:
            inputs |= {"fault": [fault.name, fault.strength, fault.what]}
    return replace(request, inputs=inputs)


def _seeded(project: Project, endpoint: str, seeds: Sequence[int]) -> Project:
    loaded = project.endpoints[endpoint]
    sampling = loaded.document.sampling.model_copy(update={"seeds": tuple(seeds)})
    contract = loaded.document.model_copy(update={"sampling": sampling})
    return replace(
        project, endpoints={**project.endpoints, endpoint: replace(loaded, document=contract)}
    )


def _nothing(*_: Any) -> list[Any]:
    """Makes nothing: the store has it all."""
    return []
