"""Pilots: production-like traffic against a served model, where a contract asks for one.

They are made by a job of their own and not by `validate`, since they take as long as their traffic
does. No verdict depends on one: what decides by it is the rollout.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from imgassets.defs.assets.branches import group_of, stage_key, tags_of
from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.defs.run_logger import telling
from imgassets.documents.base import fingerprint
from imgassets.documents.contract import Endpoint
from imgassets.documents.pilot import Pilot
from imgassets.refresh.dagster_state import asset_keys
from imgassets.refresh.document_changes import facet_key

if TYPE_CHECKING:
    from imgassets.pilot.result import Pilot as Ran

PILOT = "pilot"
_PILOT_VERSION = "1"
_FACETS = ("requests", "chain", "traffic", "pilot")
#: A check of each, whatever the ceilings are.
_SCHEDULE, _PIXELS, _QUALITY = "schedule_kept", "same_pixels", "quality_under_load"
_ERROR, _WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


def pilot_asset(endpoint: Endpoint, model: str, facets: tuple[str, ...]) -> dg.AssetsDefinition:
    """The last pilot of a branch; `facets` are the model's. The incumbent's comes first."""
    name = endpoint.endpoint
    first = [] if model == endpoint.incumbent else [stage_key(name, endpoint.incumbent, PILOT)]
    read = [
        *(facet_key("endpoints", name, facet) for facet in _FACETS),
        *(facet_key("models", model, facet) for facet in facets),
        *(facet_key("prompts", prompts, "prompts") for prompts in endpoint.prompt_sets),
    ]

    @dg.asset(
        key=stage_key(name, model, PILOT),
        deps=[*first, *asset_keys(read)],
        group_name=group_of(name, model),
        code_version=_PILOT_VERSION,
        tags=tags_of(endpoint, model),
        pool="gpu",  # nothing else may run there meanwhile
        kinds={PILOT},
        description=f"Production-like traffic against {model}, served; what came of it.",
    )
    def pilot(
        context: dg.AssetExecutionContext, workplace: ProjectResource, maker: BackendPool
    ) -> dg.MaterializeResult:
        from imgassets.pilot.load import Where
        from imgassets.pilot.run import run_pilot
        from imgassets.pilot.text import as_text

        project, (device, _) = workplace.project(), maker.chosen()
        contract = project.endpoint(name)
        document = _asked(contract)
        tell = telling(context.log, f"{name}/{model}: pilot")

        def told(what: str, done: int | None, of: int | None) -> None:
            if done is None or of is None:
                context.log.info(what)
            else:
                tell(done, of)

        found, folder = run_pilot(project, name, model, Where(device), document, told)
        text = as_text(found, document.ceilings, contract.decision.alpha)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(fingerprint(found)),
            metadata={
                "result": dg.MetadataValue.md(f"```\n{text}\n```"),
                "requests": len(found.requests),
                "folder": dg.MetadataValue.path(str(folder)),
            },
        )

    return pilot


def pilot_checks(endpoint: Endpoint, model: str) -> dg.AssetChecksDefinition:
    """One check a ceiling, and those that every pilot has; one step."""
    name, key = endpoint.endpoint, stage_key(endpoint.endpoint, model, PILOT)
    about = {
        _SCHEDULE: "The pilot itself sent every request when it was due.",
        _PIXELS: "Images under load equal the stored ones of the same requests.",
        _QUALITY: "No criterion of the contract is broken on the images under load.",
        **{ceiling: f"{ceiling} stays below its ceiling, shown with its error bar."
           for ceiling in _asked(endpoint).ceilings.given},
    }  # fmt: skip

    @dg.multi_asset_check(
        name=f"{group_of(name, model)}__{PILOT}__checks",
        specs=[dg.AssetCheckSpec(n, asset=key, description=about[n]) for n in about],
        can_subset=True,
    )
    def checks(
        context: dg.AssetCheckExecutionContext, workplace: ProjectResource
    ) -> Iterator[dg.AssetCheckResult]:
        from imgassets.pilot.result import read_pilot

        contract = workplace.project().endpoint(name)
        found = read_pilot(workplace.home().pilot(name, model))
        if found is None:
            raise dg.Failure(f"no pilot of {name}/{model} is kept; materialize it first")
        results = {one.check_name: one for one in _results(key, found, contract)}
        for chosen in context.selected_asset_check_keys:
            if chosen.name in results:
                yield results[chosen.name]

    return checks


def _asked(contract: Endpoint) -> Pilot:
    if contract.pilot is None:
        raise dg.Failure(f"the contract of {contract.endpoint} asks for no pilot any more")
    return contract.pilot


def _results(key: dg.AssetKey, found: "Ran", contract: Endpoint) -> Iterator[dg.AssetCheckResult]:
    from imgassets.pilot.ceilings import held, missed_in_words
    from imgassets.pilot.text import pixels

    for one in held(found, _asked(contract).ceilings, contract.decision.alpha):
        if one.ceiling is not None:
            yield dg.AssetCheckResult(
                passed=one.state == "passed",
                asset_key=key,
                check_name=one.name,
                severity=_ERROR if one.state == "broken" else _WARN,
                description=one.reason,
                metadata={
                    "expected": f"at most {one.ceiling:g}",
                    "observed": "failed" if one.measured.value is None else one.measured.value,
                    "state": one.state,
                },
            )
    missed = found.schedule_missed
    yield _plain(key, _SCHEDULE, not missed, missed_in_words(found) if missed else "sent on time")
    seen = pixels(found)
    said = f"{seen['different']} of {seen['compared']} images differ from stored ones"
    yield _plain(key, _PIXELS, not seen["different"], said, _WARN)
    broken = [row for row in found.result.quality if row.state == "broken"]
    gating = any(row.severity == "gating" for row in broken)
    said = "; ".join(f"{row.criterion}: {row.reason}" for row in broken) or "none is broken"
    yield _plain(key, _QUALITY, not broken, said, _ERROR if gating else _WARN)


def _plain(
    key: dg.AssetKey,
    name: str,
    passed: bool,
    said: str,
    severity: dg.AssetCheckSeverity = _ERROR,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed, asset_key=key, check_name=name, severity=severity, description=said
    )
