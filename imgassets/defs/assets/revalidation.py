"""Nightly revalidation: a pinned sample made again; what drifted is observed, and stops a GO."""

import dagster as dg

from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.documents.hosted import HostedModel
from imgassets.drift.revalidation import DriftFile
from imgassets.drift.revalidation import revalidate as revalidate_branch
from imgassets.refresh.dagster_state import observation
from imgassets.refresh.extra_seeds import requests_of
from imgassets.refresh.observed.drift import drift_state

REVALIDATE_JOB = "revalidate"


def drift_file(workplace: ProjectResource) -> DriftFile:
    """What is known to drift in the project."""
    return DriftFile(workplace.home() / "drift")


class Sample(dg.Config):
    """How much a revalidation makes again."""

    images_per_flow: int = 4


@dg.op(pool="gpu")
def revalidate_sample(
    context: dg.OpExecutionContext, config: Sample, workplace: ProjectResource, maker: BackendPool
) -> None:
    """Make the pinned sample of every branch again; a branch that fails stops no other."""
    from imgassets.drift.page import write_drift_page

    errors = []
    branches = [(e.endpoint, m) for e in workplace.project().usable_endpoints() for m in e.models]
    for endpoint, model in branches:
        try:
            _revalidate(context, workplace, maker, (endpoint, model), config)
        except Exception as error:
            errors.append(f"{endpoint}/{model}: {error}")
            continue
        file = drift_file(workplace)
        state = drift_state(file, endpoint, model)
        context.log_event(observation(state, state.change(None)))
    write_drift_page(drift_file(workplace), workplace.store(), branches)
    if errors:
        raise dg.Failure("not revalidated: " + "; ".join(errors))


def _revalidate(
    context: dg.OpExecutionContext,
    workplace: ProjectResource,
    maker: BackendPool,
    branch: tuple[str, str],
    config: Sample,
) -> None:
    project, (endpoint, model) = workplace.project(), branch
    if isinstance(project.model(model), HostedModel):
        # Each remade image would be paid for again; docs/hosted.md tells what to do instead.
        context.log.info(f"{endpoint}/{model}: hosted, not made again")
        return
    device, _ = maker.chosen()
    requests = requests_of(project, endpoint, model, device)
    revalidate_branch(
        branch,
        {f: [r for r in requests if r.flow == f] for f in project.endpoint(endpoint).flows},
        workplace.store(),
        drift_file(workplace),
        lambda flow: maker.maker(project, model, flow),
        images_per_flow=config.images_per_flow,
        device=device,
        log=context.log,
    )


@dg.job(name=REVALIDATE_JOB, executor_def=dg.in_process_executor)
def revalidate() -> None:
    """Make a pinned sample of stored images again, and report those that come out differently."""
    revalidate_sample()
