"""Runs that Dagster's own launchers and executors carry out, by the settings in docs/deploy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

pytest.importorskip("dagster_celery", reason="imgassets[celery] is not installed")
pytest.importorskip("dagster_k8s", reason="imgassets[kubernetes] is not installed")

from imgassets.refresh.dagster_runs import open_instance
from imgassets_tests.cluster.launching import Deployed, deployed, ended_run
from imgassets_tests.cluster.postgres_server import PASSWORD, PostgresServer
from imgassets_tests.cluster.redis_server import RedisServer
from imgassets_tests.deploy.kubernetes_server import KubernetesServer, write_kubeconfig
from imgassets_tests.deploy.launched import DEPLOY, settings
from imgassets_tests.integration.small import write_small_project

pytestmark = pytest.mark.cluster


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("no Redis: apt-get install redis-server")
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def as_deployed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of this machine's own settings."""
    for name in ("DAGSTER_HOME", "IMGASSETS_HOME", "IMGASSETS_EXECUTOR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def on_celery(
    tmp_path: Path, postgres: PostgresServer, redis: RedisServer, as_deployed: pytest.MonkeyPatch
) -> Deployed:
    addresses = {
        "DAGSTER_CELERY_BROKER_URL": redis.url(0),
        "DAGSTER_CELERY_BACKEND_URL": redis.url(1),
    }
    project = deployed(
        tmp_path, settings("celery/dagster.yaml"), postgres, f"celery_{redis.port}", **addresses
    )
    for name, value in project.environment.items():
        as_deployed.setenv(name, value)
    return project


@pytest.fixture
def worker(on_celery: Deployed, tmp_path: Path) -> Iterator[Path]:
    """A Celery worker, as docs/kubernetes.md starts it; yields its log."""
    log = tmp_path / "worker.log"
    command = [str(Path(sys.executable).with_name("dagster-celery")), "worker", "start"]
    command += ["-A", "dagster_celery.app", "-y", str(DEPLOY / "celery/worker.yaml")]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | on_celery.environment | {"PATH": path},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    yield log
    os.killpg(process.pid, 9)
    process.wait()


def test_a_celery_worker_carries_out_a_whole_run(on_celery: Deployed, worker: Path) -> None:
    on_celery.launch()
    run = ended_run(on_celery)
    assert run.status is dg.DagsterRunStatus.SUCCESS, worker.read_text()
    assert "dagster-celery/task_id" in run.tags
    assert on_celery.judged() == {"prod", "fast"}


def test_celery_workers_carry_out_single_steps(on_celery: Deployed, worker: Path) -> None:
    """`IMGASSETS_EXECUTOR=celery`: the run stays where it was started."""
    on_celery.dagster(
        "job", "execute", "-m", "imgassets.definitions", "-j", "validate",
        IMGASSETS_EXECUTOR="celery",
    )  # fmt: skip
    assert ended_run(on_celery).status is dg.DagsterRunStatus.SUCCESS
    assert worker.read_text().count("succeeded in") > 10
    assert on_celery.judged() == {"prod", "fast"}


def test_a_pod_carries_out_a_whole_run(
    tmp_path: Path, postgres: PostgresServer, as_deployed: pytest.MonkeyPatch
) -> None:
    """The launcher, the Job, its environment and the run are real; the cluster is not."""
    secrets = {"imgassets-postgres": {"postgresql-password": PASSWORD}}
    secrets["imgassets"] = {"IMGASSETS_DATABASE": postgres.url("project_pods")}
    image = {"IMGASSETS_PROJECT": str(tmp_path / "project"), "HOME": str(tmp_path)}
    cluster = KubernetesServer(tmp_path, image, secrets)
    whole = settings("kubernetes/dagster.yaml")
    whole["run_launcher"]["config"] |= {
        "load_incluster_config": False,
        "kubeconfig_file": str(write_kubeconfig(tmp_path / "kubeconfig", cluster.port)),
        "dagster_home": str(tmp_path / "dagster"),
        "env_vars": [],  # the store is a folder here
    }
    joins = ["sh", "-c", 'echo joined && exec "$@"', "run"]  # as a pod joins a Ray cluster
    whole["run_launcher"]["config"]["run_k8s_config"]["container_config"]["command"] = joins
    project = deployed(tmp_path, whole, postgres, "project_pods")
    for name, value in project.environment.items():
        as_deployed.setenv(name, value)
    try:
        project.launch()
        run = ended_run(project)
    finally:
        cluster.close()
    assert run.status is dg.DagsterRunStatus.SUCCESS, cluster.logs()
    assert len(cluster.jobs) == 1
    assert "joined" in cluster.logs()
    assert project.judged() == {"prod", "fast"}
    assert not (project.dagster_home / "postgres").exists()  # the settings are used where they are


def test_the_database_settings_of_the_chart_work(
    tmp_path: Path, postgres: PostgresServer, as_deployed: pytest.MonkeyPatch
) -> None:
    """As its ConfigMap has them: three storages, whose driver our values name."""
    values = settings("kubernetes/values.yaml")["postgresql"]
    postgres.query("CREATE SCHEMA headlines")
    (tmp_path / "project").mkdir()
    write_small_project(tmp_path / "project")
    address = {
        "username": "owner",
        "password": {"env": "DAGSTER_PG_PASSWORD"},
        "hostname": "127.0.0.1",
        "db_name": "postgres",
        "port": postgres.port,
        "params": values["postgresqlParams"],
        "scheme": values["postgresqlScheme"],
    }
    classes = {"run_storage": "Run", "schedule_storage": "Schedule", "event_log": "EventLog"}
    storages = {
        f"{name.removesuffix('_storage')}_storage": {
            "module": f"dagster_postgres.{name}",
            "class": f"Postgres{word}Storage",
            "config": {"postgres_db": address},
        }
        for name, word in classes.items()
    }
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(yaml.safe_dump(storages))
    (home / ".imgassets-project").write_text(f"{tmp_path / 'project'}\n")
    as_deployed.setenv("DAGSTER_HOME", str(home))
    as_deployed.setenv("DAGSTER_PG_PASSWORD", PASSWORD)
    as_deployed.setenv("IMGASSETS_DATABASE", postgres.url("headlines"))
    with open_instance(tmp_path / "project") as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("table"))
    kept = postgres.query("SELECT count(*) FROM headlines.event_logs")
    assert kept == [(1,)]
    assert not (home / "postgres").exists()
