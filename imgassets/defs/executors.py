"""What carries out the steps of a run that the UI or a schedule started: `$IMGASSETS_EXECUTOR`.

`imgassets validate` and the job `catch_up` work in their own process always.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

import dagster as dg

from imgassets.documents.environment import PlaceError

VARIABLE = "IMGASSETS_EXECUTOR"
#: What needs a package more: its module, and the extra of ours that brings it.
_PACKAGES = {"celery": "dagster_celery", "kubernetes": "dagster_k8s"}


def chosen_executor() -> dg.ExecutorDefinition:
    """The executor of all jobs: one process for all steps of a run, unless the variable is set.

    Raises:
        PlaceError: it is no executor, or its package is not installed.
    """
    name = os.environ.get(VARIABLE, "in_process")
    if name == "in_process":
        return dg.in_process_executor
    if name not in _PACKAGES:
        raise PlaceError(
            f"${VARIABLE} is {name!r}; write in_process, celery or kubernetes, or unset it"
        )
    if not find_spec(_PACKAGES[name]):
        raise PlaceError(
            f"${VARIABLE} is {name} and {_PACKAGES[name]} is not installed; "
            f"run: pip install 'imgassets[{name}]'"
        )
    return _on_celery() if name == "celery" else _on_kubernetes()


def _on_celery() -> dg.ExecutorDefinition:
    from dagster_celery import celery_executor

    # Dagster's own names for them, which its Helm chart and `dagster-celery` use as well.
    settings = {
        "broker": {"env": "DAGSTER_CELERY_BROKER_URL"},
        "backend": {"env": "DAGSTER_CELERY_BACKEND_URL"},
    }
    return celery_executor.configured(settings, name="celery")


def _on_kubernetes() -> dg.ExecutorDefinition:
    from dagster_k8s import k8s_job_executor

    return k8s_job_executor
