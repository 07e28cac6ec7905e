"""docs/deploy/nginx.conf, run as it stands: viewers look, operators start runs, nobody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from imgassets_tests.browser.conftest import chromium  # noqa: F401 - a fixture
from imgassets_tests.cluster.postgres_server import PostgresServer
from imgassets_tests.conftest import write_project
from imgassets_tests.integration.test_one_ui import answer, free_port

pytestmark = pytest.mark.cluster
CONFIG = Path(__file__).parents[2] / "docs/deploy/nginx.conf"
VIEWER, OPERATOR = ("vera", "look"), ("otto", "start")
PAUSE = "mutation { setAutoMaterializePaused(paused: true) }"
LAUNCH = """mutation { launchRun(executionParams: {selector: {
  repositoryLocationName: "imgassets", repositoryName: "__repository__", pipelineName: "validate"
}}) { __typename } }"""
PERMISSIONS = "{ permissions { permission value } }"


@dataclass(frozen=True)
class Deployment:
    """The proxy's address."""

    url: str

    def graphql(self, path: str, query: str, who: tuple[str, str], **headers: str) -> Any:
        return httpx.post(
            f"{self.url}{path}/graphql", json={"query": query}, auth=who, timeout=60,
            headers=headers,
        )  # fmt: skip


@pytest.fixture(scope="module")
def deployment(postgres: PostgresServer) -> Iterator[Deployment]:
    """Both UIs on one Postgres, and nginx before them."""
    if shutil.which("nginx") is None:
        pytest.skip("no nginx: apt-get install nginx-light")
    root = Path(tempfile.mkdtemp(prefix="imgassets-proxy-"))
    write_project(root)
    (root / ".imgassets/reports/cards").mkdir(parents=True)
    (root / ".imgassets/reports/cards/report.html").write_text("<h1>GO</h1>")
    proxy, view, operate = (free_port() for _ in range(3))
    os.environ.pop("DAGSTER_HOME", None)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("IMGASSETS")} | {
        "IMGASSETS_DATABASE": postgres.url("behind_a_proxy"),
        "IMGASSETS_PROJECT": str(root),
        "IMGASSETS_REPORTS_URL": f"http://127.0.0.1:{proxy}/reports",
    }
    ui = [sys.executable, "-m", "imgassets.cli.main", "ui", "--port"]
    commands = [
        ["nginx", "-p", str(root), "-c", str(config(root, proxy, view, operate)),
         "-e", str(root / "error.log"), "-g", "daemon off;"],
        [*ui, str(view), "--read-only", "--path-prefix", "/view"],
        [*ui, str(operate), "--path-prefix", "/operate"],
    ]  # fmt: skip
    with (root / "log").open("wb") as log:
        started = [
            subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            for command in commands
        ]
    try:
        for path, port in (("/view", view), ("/operate", operate)):
            code, _ = answer(f"http://127.0.0.1:{port}{path}/server_info", patience=150)
            assert code == 200, (root / "log").read_text()[-3000:]
        yield Deployment(f"http://127.0.0.1:{proxy}")
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)
        shutil.rmtree(root)


def config(root: Path, proxy: int, view: int, operate: int) -> Path:
    """The page's file, with this test's paths, ports and passwords."""
    text = CONFIG.read_text()
    user = "root" if os.getuid() == 0 else os.environ["USER"]
    for old, new in (
        ("user www-data;", f"user {user};"),
        ("/run/nginx.pid", str(root / "nginx.pid")),
        ("127.0.0.1:8080", f"127.0.0.1:{proxy}"),
        ("127.0.0.1:3001", f"127.0.0.1:{view}"),
        ("127.0.0.1:3000", f"127.0.0.1:{operate}"),
        ("/etc/imgassets", str(root)),
        ("/srv/project", str(root)),
    ):
        assert old in text
        text = text.replace(old, new)
    # Only operators are in the file of operators; both may look.
    people = {"viewers": (VIEWER, OPERATOR), "operators": (OPERATOR,)}
    for file, those in people.items():
        lines = [f"{name}:{{PLAIN}}{password}\n" for name, password in those]
        (root / file).write_text("".join(lines))
    path = root / "nginx.conf"
    path.write_text(text)
    return path


def test_nobody_enters_without_a_password_or_with_that_of_another_door(
    deployment: Deployment,
) -> None:
    def code(path: str, who: tuple[str, str] | None) -> int:
        return httpx.get(deployment.url + path, auth=who, timeout=60).status_code

    paths = ("/view/", "/operate/", "/reports/cards/report.html")
    assert [code(path, None) for path in paths] == [401, 401, 401]
    assert [code(path, VIEWER) for path in paths] == [200, 401, 200]
    assert [code(path, OPERATOR) for path in paths] == [200, 200, 200]
    assert code("/reports/", VIEWER) == 403  # no listing
    assert code("/reports/../paid/journal.sqlite", VIEWER) in (400, 404)


def test_viewers_can_change_nothing_and_operators_can(deployment: Deployment) -> None:
    def allowed(path: str) -> dict[str, bool]:
        found = deployment.graphql(path, PERMISSIONS, OPERATOR).json()["data"]
        return {p["permission"]: p["value"] for p in found["permissions"]}

    assert not any(allowed("/view").values())
    assert allowed("/operate")["launch_pipeline_execution"]
    launched = deployment.graphql("/view", LAUNCH, OPERATOR).json()
    assert launched["data"]["launchRun"]["__typename"] == "UnauthorizedError", launched
    assert "UnauthorizedError" in str(deployment.graphql("/view", PAUSE, VIEWER).json())
    paused = deployment.graphql("/view", "{ autoMaterializePaused }", VIEWER).json()
    assert deployment.graphql("/operate", "{ autoMaterializePaused }", OPERATOR).json() == paused
    assert deployment.graphql("/operate", PAUSE, VIEWER).status_code == 401
    done = deployment.graphql("/operate", PAUSE, OPERATOR).json()
    assert done["data"] == {"setAutoMaterializePaused": True}, done


def test_a_page_of_another_site_cannot_use_the_password_of_a_browser(
    deployment: Deployment,
) -> None:
    found = deployment.graphql("/operate", PAUSE, OPERATOR, **{"Sec-Fetch-Site": "cross-site"})
    assert found.status_code == 403
    headers = {"Sec-Fetch-Site": "cross-site", "Upgrade": "websocket", "Connection": "Upgrade"}
    url = deployment.url + "/operate/graphql"
    assert httpx.get(url, auth=OPERATOR, headers=headers, timeout=60).status_code == 403


def test_a_browser_shows_the_assets_below_the_prefix_by_websocket(
    deployment: Deployment,
    chromium: Any,  # noqa: F811 - the fixture
) -> None:
    name, password = VIEWER
    context = chromium.new_context(http_credentials={"username": name, "password": password})
    page = context.new_page()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    try:
        page.goto(f"{deployment.url}/view/assets", timeout=120_000)
        page.get_by_text("cards").first.wait_for(timeout=120_000)
        assert all("/view/graphql" in url for url in sockets)
        assert sockets
        assert page.url.startswith(f"{deployment.url}/view/")
        page.goto(f"{deployment.url}/reports/cards/report.html")
        assert page.inner_text("h1") == "GO"
    finally:
        context.close()
