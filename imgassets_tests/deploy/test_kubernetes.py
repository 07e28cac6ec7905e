"""Settings for Kubernetes: what pods of runs are given, by Helm's chart and without it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from imgassets import __version__

pytest.importorskip("dagster_k8s", reason="imgassets[kubernetes] is not installed")

from imgassets_tests.deploy.chart import over, problems
from imgassets_tests.deploy.kubernetes_server import write_kubeconfig
from imgassets_tests.deploy.kubernetes_shapes import unknown_fields
from imgassets_tests.deploy.launched import (
    DEPLOY,
    code_location_of_chart,
    job_of,
    launcher_of_chart,
    settings,
)

ROOT = Path(__file__).parents[2]
IMAGE = f"registry.example.com/imgassets:{__version__}"
CHART = os.environ.get("DAGSTER_CHART", "")


def job(way: str, tmp_path: Path) -> dict[str, Any]:
    """The Job of a run: started by Helm's chart, or by our own dagster.yaml."""
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", 9)
    if way == "dagster.yaml":
        return job_of(settings("kubernetes/dagster.yaml")["run_launcher"]["config"], kubeconfig)
    values = settings("kubernetes/values.yaml")
    (code,) = values["dagster-user-deployments"]["deployments"]
    image = "{repository}:{tag}".format(**code["image"])
    return job_of(launcher_of_chart(values), kubeconfig, code_location_of_chart(values), image)


def container(way: str, tmp_path: Path) -> dict[str, Any]:
    (found,) = job(way, tmp_path)["spec"]["template"]["spec"]["containers"]
    return dict(found)


@pytest.mark.parametrize("way", ["values.yaml", "dagster.yaml"])
def test_a_pod_has_a_gpu_the_image_and_the_secrets(way: str, tmp_path: Path) -> None:
    pod = container(way, tmp_path)
    assert pod["image"] == IMAGE
    assert pod["resources"]["limits"] == {"memory": "48Gi", "nvidia.com/gpu": "1"}
    assert pod["envFrom"][-1] == {"secretRef": {"name": "imgassets"}}
    named = {v["name"]: v for v in pod["env"]}
    assert named["IMGASSETS_STORE"]["value"] == "s3://example-bucket/headlines"
    password = named["DAGSTER_PG_PASSWORD"]["valueFrom"]["secretKeyRef"]
    assert password == {"name": "imgassets-postgres", "key": "postgresql-password"}


@pytest.mark.parametrize("way", ["values.yaml", "dagster.yaml"])
def test_a_pod_is_not_root_and_may_write_where_the_image_lets_it(way: str, tmp_path: Path) -> None:
    """User, home and Dagster's folder are those of the Dockerfile."""
    whole = job(way, tmp_path)["spec"]["template"]["spec"]
    (pod,) = whole["containers"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"USER {pod['securityContext']['runAsUser']}:" in dockerfile
    assert whole["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"]
    (mount,) = [m for m in pod["volumeMounts"] if m["name"] == "home"]
    assert f"IMGASSETS_HOME={mount['mountPath']}" in dockerfile
    named = {v["name"]: v.get("value") for v in pod["env"]}
    assert f"DAGSTER_HOME={named['DAGSTER_HOME']}" in dockerfile
    assert {"name": "home", "emptyDir": {"sizeLimit": "40Gi"}} in whole["volumes"]


@pytest.mark.parametrize("way", ["values.yaml", "dagster.yaml"])
def test_kubernetes_knows_every_field(way: str, tmp_path: Path) -> None:
    made = job(way, tmp_path)
    assert unknown_fields("Job", made) == []
    made["spec"]["template"]["spec"]["containers"][0]["resources"]["limit"] = {}
    assert unknown_fields("Job", made)


def test_both_ways_make_the_same_pod(tmp_path: Path) -> None:
    by_helm, by_file = (container(way, tmp_path) for way in ("values.yaml", "dagster.yaml"))
    for field in ("image", "resources", "securityContext"):
        assert by_helm[field] == by_file[field], field


def test_both_ways_have_the_settings_that_imgassets_writes_itself() -> None:
    """The pool, telemetry, logs and run monitoring are those of one machine."""
    shipped = settings("../../imgassets/storage/dagster.yaml")
    ours, values = settings("kubernetes/dagster.yaml"), settings("kubernetes/values.yaml")
    assert over(ours, shipped) == ours
    assert values["concurrency"]["pools"] == {"defaultLimit": 1, "granularity": "op"}
    assert values["additionalInstanceConfig"]["nux"] == shipped["nux"]
    assert values["telemetry"] == shipped["telemetry"]
    logs = values["pythonLogs"]["managedPythonLoggers"]
    assert logs == shipped["python_logs"]["managed_python_loggers"]


def test_the_chart_is_that_of_the_pinned_dagster() -> None:
    pinned = re.search(r"^dagster==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned
    text = (DEPLOY / "kubernetes/values.yaml").read_text()
    assert f"--version {pinned[1]} " in text


def test_the_page_names_the_versions_that_are_pinned() -> None:
    """The table of versions that belong together, but for what is no Python package."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    page = (ROOT / "docs/kubernetes.md").read_text()
    table = page.partition("## Versions that belong together")[2].partition("## ")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("|")]
    told = {name.strip(): versions for names, versions in rows for name in names.split(",")}
    checked = {name for name in told if name in pinned}
    assert len(checked) == 12
    assert all(pinned[name] in told[name] for name in checked)


@pytest.mark.skipif(not CHART, reason="set $DAGSTER_CHART to the folder of Dagster's Helm chart")
def test_values_fit_the_chart() -> None:
    """And what is misspelt does not."""
    assert problems(Path(CHART), settings("kubernetes/values.yaml")) == []
    launcher = {"runLauncher": {"config": {"k8sRunLauncher": {"runK8sConfg": {}}}}}
    user = {"dagsterWebserver": {"securityContext": {"runAsRoot": False}}}
    for misspelt, word in ((launcher, "runK8sConfg"), (user, "runAsRoot")):
        (found,) = problems(Path(CHART), over(settings("kubernetes/values.yaml"), misspelt))
        assert word in found
