"""A project whose store is a bucket: tables are the same, and a second machine sees all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from imgassets.defs.headless import plan, validate
from imgassets.documents.project import load_project
from imgassets.refresh.plan import Plan
from imgassets.refresh.selection import Selection
from imgassets.storage.image_store import store_of
from imgassets.storage.project_home import home_of
from imgassets.storage.score_store import score_store_of
from imgassets_tests.conftest import edit_file
from imgassets_tests.counting_proxy import CountingProxy
from imgassets_tests.integration.small import at_home, same_tables, scores_kept, write_small_project
from imgassets_tests.s3_servers import BUCKET, seaweedfs

TABLE = ("cards", "fast", "generated")


def validated(root: Path) -> dict[str, str]:
    with at_home(root) as instance:
        verdicts = validate(load_project(root), instance, Selection(), "cpu")
    return {verdict.model: verdict.verdict for verdict in verdicts}


def planned(root: Path) -> Plan:
    with at_home(root) as instance:
        return plan(load_project(root), instance, Selection(), "cpu")


def images_in(root: Path) -> pd.DataFrame:
    table = pd.read_parquet(home_of(root).output(TABLE))
    return table[["image_key", "image_sha256", "status"]]


@pytest.mark.cluster
def test_two_machines_with_one_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, one, two = (tmp_path / name for name in ("plain", "one", "two"))
    for root in (plain, one, two):
        write_small_project(root)
        edit_file(root / "contracts/endpoints/cards.yaml", "seeds: [5, 6]", "seeds: [5]")
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    expected = validated(plain)
    (tmp_path / "server").mkdir()
    with seaweedfs(tmp_path / "server") as server, CountingProxy(server.port) as proxy:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        monkeypatch.setenv("IMGASSETS_STORE", f"s3://{BUCKET}/two-machines")
        assert validated(one) == expected
        assert same_tables(one, plain)
        pd.testing.assert_frame_equal(images_in(one), images_in(plain))
        assert not home_of(one).images.exists()
        keys = set(store_of(home_of(one)).keys())
        assert keys == {path.name for path in home_of(plain).images.glob("??/*")}

        before = len(proxy.requests)
        assert planned(one).assets == {}
        tables = len(list(home_of(one).tables.rglob("*.parquet")))
        assert len(proxy.requests) - before <= min(3 * tables, 20)

        # What was run and made is told by Dagster, whose database both machines share.
        shutil.copytree(home_of(one).dagster, home_of(two).dagster)
        assert planned(two).assets == {}
        pd.testing.assert_frame_equal(images_in(two), images_in(plain))
        report = home_of(two).output(("cards", "report"))
        assert report.read_bytes() == home_of(one).output(("cards", "report")).read_bytes()
        assert score_store_of(home_of(two)).known(["0" * 64]) == set()
        assert scores_kept(two) == scores_kept(one) == scores_kept(plain)
        verdict = home_of(two).output(("cards", "fast", "verdict"))
        assert json.loads(verdict.read_text())["verdict"] == expected["fast"]
