"""The Kubernetes Job that Dagster's own launcher makes of a run, by the settings that we ship."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.storage.dagster_run import DagsterRun
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import construct_dagster_k8s_job
from dagster_k8s.launcher import K8sRunLauncher

DEPLOY = Path(__file__).parents[2] / "docs/deploy"


def settings(name: str) -> Any:
    """A file of `docs/deploy`, parsed."""
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def launcher_of_chart(values: Mapping[str, Any]) -> dict[str, Any]:
    """What Dagster's chart writes as the launcher's settings, for a release called `imgassets`."""
    given = values["runLauncher"]["config"]["k8sRunLauncher"]
    names = {"containerConfig": "container_config", "podSpecConfig": "pod_spec_config"}
    return {
        "job_namespace": "default",
        "image_pull_policy": given["imagePullPolicy"],
        "service_account_name": "imgassets-dagster",
        "dagster_home": "/opt/dagster/dagster_home",
        "instance_config_map": "imgassets-dagster-instance",
        "postgres_password_secret": values["global"]["postgresqlSecretName"],
        "security_context": given["securityContext"],
        "run_k8s_config": {names[name]: value for name, value in given["runK8sConfig"].items()},
    }


def code_location_of_chart(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the chart has the code location say about the pods of its runs."""
    (given,) = values["dagster-user-deployments"]["deployments"]
    pod = {"automount_service_account_token": True}
    return {
        "image_pull_policy": given["image"]["pullPolicy"],
        "env": given["env"],
        "env_secrets": [secret["name"] for secret in given["envSecrets"]],
        "resources": given.get("resources", {}),
        "namespace": "default",
        "service_account_name": "imgassets-dagster-user-deployments-user-deployments",
        "run_k8s_config": {"pod_spec_config": pod},
    }


def job_of(
    config: Mapping[str, Any],
    kubeconfig: Path,
    code_location: Mapping[str, Any] | None = None,
    image: str | None = None,
) -> dict[str, Any]:
    """The Job as it would be sent, with Kubernetes' own names.

    Args:
        config: the launcher's settings; checked against what it takes.
        kubeconfig: of a cluster, which is not asked.
        code_location: what it says about pods, if it does.
        image: of the code location, if it tells.
    """
    outside = {"load_incluster_config": False, "kubeconfig_file": str(kubeconfig)}
    checked = process_config(
        resolve_to_config_type(K8sRunLauncher.config_type()), {**config, **outside}
    )
    assert checked.success, [error.message for error in checked.errors or []]
    launcher = K8sRunLauncher(**checked.value)
    context = K8sContainerContext.create_for_run(DagsterRun("validate"), launcher, True)
    if code_location:
        context = context.merge(K8sContainerContext.create_from_config({"k8s": code_location}))
    job = construct_dagster_k8s_job(
        context.get_k8s_job_config(image, launcher),
        ["dagster", "api", "execute_run"],
        "dagster-run-1",
        user_defined_k8s_config=context.run_k8s_config,
    )
    written: dict[str, Any] = kubernetes.client.ApiClient().sanitize_for_serialization(job)
    return written
