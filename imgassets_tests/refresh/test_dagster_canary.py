"""What we use of Dagster though it is not documented: each thing is named, used, and checked here.

A failure means that Dagster changed under `refresh/dagster_state.py` or `refresh/dagster_runs.py`,
the only two modules that use these. Mend them there, and nowhere else.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from imgassets.documents.yardstick import VERSION_METADATA
from imgassets.refresh import dagster_runs
from imgassets.refresh.dagster_runs import bury_dead_runs, errors_of, run_assets
from imgassets.refresh.dagster_state import DagsterState, observation
from imgassets.refresh.observed.state import ObservedState
from imgassets.refresh.plan import Made

SOURCE = dg.AssetKey(["documents", "models", "prod", "price"])
TABLE, VERDICT = dg.AssetKey(["cards", "prod", "table"]), dg.AssetKey(["cards", "prod", "verdict"])
BESIDE = dg.AssetKey(["cards", "prod", "beside"])
BOTH = ["cards/prod/table", "cards/prod/beside"]
CHECK = dg.AssetCheckKey(TABLE, "floor")


@contextmanager
def relied_on(what: str) -> Iterator[None]:
    """Say in words what of Dagster no longer is as it was."""
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        pytest.fail(f"Dagster {dg.__version__} changed. Relied on: {what}. Found: {error!r}")


@dg.multi_asset(
    outs={
        "table": dg.AssetOut(key=TABLE, code_version="7"),
        "beside": dg.AssetOut(key=BESIDE, code_version="7"),
    },
    deps=[SOURCE],
)
def tables() -> Iterator[dg.Output]:
    yield dg.Output(1, "table", data_version=dg.DataVersion("v1"), metadata={"file_sha256": "ab"})
    yield dg.Output(2, "beside", data_version=dg.DataVersion("v2"))


@dg.asset(key=VERDICT, deps=[TABLE])
def verdict() -> None:
    raise ValueError("no verdict")


class Table:
    """What an asset makes."""


class Forgetful(dg.IOManager):
    """Keeps nothing."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None: ...

    def load_input(self, context: dg.InputContext) -> None: ...


@dg.asset_check(asset=TABLE, name="floor")
def floor() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={VERSION_METADATA: "c1"})


@dataclass
class Small:
    """A graph of three assets, its job, and an instance that knows nothing yet."""

    instance: dg.DagsterInstance
    graph: Any
    job: dg.JobDefinition

    def known(self) -> DagsterState:
        return DagsterState(self.graph, self.instance)

    def see(self, version: str) -> None:
        state = ObservedState("documents/models/prod/price", version, lambda _: "changed", {})
        self.known().observe([state])


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    definitions = dg.Definitions(
        [dg.AssetSpec(SOURCE), tables, verdict],
        asset_checks=[floor],
        jobs=[dg.define_asset_job("validate", executor_def=dg.in_process_executor)],
        loggers={"console": dg.colored_console_logger},
    )
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        graph = definitions.resolve_asset_graph()
        yield Small(instance, graph, definitions.resolve_job_def("validate"))


def test_the_graph_tells_parents_code_versions_and_what_is_made_together(small: Small) -> None:
    with relied_on(
        "the asset graph's `materializable_asset_keys`, `toposorted_asset_keys`, "
        "`asset_check_keys` and `get`; an asset node's `parent_keys`, `code_version` and "
        "`execution_set_asset_keys`"
    ):
        assets = {asset.key: asset for asset in small.known().assets()}
        assert list(assets)[-1] == "cards/prod/verdict", "parents come first"
        table = assets["cards/prod/table"]
        assert table.parents == ("documents/models/prod/price",)
        assert (table.code_version, table.made) == ("7", None)
        assert table.together == ("cards/prod/beside",)
        assert set(small.graph.asset_check_keys) == {CHECK}


def test_events_carry_versions_as_tags(small: Small) -> None:
    with relied_on(
        "the tags `dagster/data_version`, `dagster/code_version` and "
        "`dagster/input_data_version/KEY` of materializations; "
        "`get_asset_records` with `asset_entry.last_materialization_record`"
    ):
        small.see("d1")
        assert run_assets(small.job, small.instance, BOTH, {}) == []
        made = {asset.key: asset.made for asset in small.known().assets()}
        inputs = {"documents/models/prod/price": "d1"}
        assert made["cards/prod/table"] == Made("v1", "7", inputs, "ab")
        assert made["cards/prod/beside"] == Made("v2", "7", inputs)
        assert made["cards/prod/verdict"] is None


def test_an_observation_without_a_run_sets_the_data_version(small: Small) -> None:
    with relied_on(
        "`report_runless_asset_event` of an observation with the tag `dagster/data_version`; "
        "`get_latest_data_version_record(is_source=True)`"
    ):
        small.see("d1")
        small.see("d1")
        assert len(small.instance.fetch_observations(SOURCE, limit=9).records) == 1
        small.see("d2")
        latest = small.instance.fetch_observations(SOURCE, limit=9).records[0].asset_observation
        assert latest.metadata["change"].value == "changed"
        state = ObservedState("documents/models/prod/price", "d3", lambda _: "", {"file": "a.yaml"})
        assert observation(state, "first seen").tags == {"dagster/data_version": "d3"}


def test_a_check_tells_which_table_it_was_made_of(small: Small) -> None:
    with relied_on(
        "`event_log_storage.get_latest_asset_check_execution_by_key`, and of its event "
        "`event_specific_data.target_materialization_data.storage_id` and `.metadata`"
    ):
        run_assets(small.job, small.instance, BOTH, {})

        def outdated(criteria: str) -> Any:
            versions = {("cards/prod/table", "floor"): criteria}
            return small.known().outdated_checks({"cards/prod/table"}, versions)

        assert outdated("c1") == set()
        assert outdated("c2") == {CHECK}
        small.instance.report_runless_asset_event(
            dg.AssetMaterialization(TABLE, tags={"dagster/data_version": "v9"})
        )
        assert outdated("c1") == {CHECK}, "it was made of another table"
        run_assets(small.job, small.instance, [], {CHECK})
        assert outdated("c1") == set()


def test_a_part_of_a_job_runs_with_its_checks_and_no_others(small: Small) -> None:
    with relied_on(
        "`JobDefinition.get_subset(asset_selection, asset_check_selection)` and "
        "`asset_layer.asset_graph.asset_check_keys`"
    ):
        run_assets(small.job, small.instance, [], {CHECK})
        assert small.instance.get_latest_materialization_event(TABLE) is None
        run_assets(small.job, small.instance, BOTH, {})
        history = small.instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=9)
        assert len(history) == 2


def test_a_run_lets_go_of_a_table_when_its_step_ends(small: Small) -> None:
    with relied_on(
        "`core_execute_in_process(output_capturing_enabled=False)`, `InMemoryJob` and "
        "`JobDefinition.as_ephemeral_job`, by which `execute_in_process` is made"
    ):
        kept: list[weakref.ref[Table]] = []
        gone = []

        @dg.asset(key=TABLE)
        def table() -> Table:
            made = Table()
            kept.append(weakref.ref(made))
            return made

        @dg.asset(key=VERDICT, deps=[TABLE])
        def verdict() -> None:
            gc.collect()
            gone.append(kept[0]() is None)

        job = dg.Definitions(
            [table, verdict],
            jobs=[dg.define_asset_job("both", executor_def=dg.in_process_executor)],
            resources={"io_manager": Forgetful()},
            loggers={"console": dg.colored_console_logger},
        ).resolve_job_def("both")
        keys = ["cards/prod/table", "cards/prod/verdict"]
        assert run_assets(job, small.instance, keys, {}) == []
        assert gone == [True]


def test_errors_are_read_from_a_failed_step(small: Small) -> None:
    with relied_on("`step_failure_data.error` with `cause`, `cls_name` and `message`"):
        errors = run_assets(small.job, small.instance, ["cards/prod/verdict"], {})
        assert errors == ["cards__prod__verdict: ValueError: no verdict"]
        result = small.job.execute_in_process(instance=small.instance, raise_on_error=False)
        assert errors_of(result) == errors


def test_the_page_of_a_job_lists_our_runs(small: Small) -> None:
    with relied_on(
        "the tag `.dagster/repository` with REPOSITORY@LOCATION, by which the UI finds a job's runs"
    ):
        from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
        from dagster._core.storage.tags import REPOSITORY_LABEL_TAG

        repository = dg.Definitions().get_repository_def().name
        location = RegisteredCodeLocationOrigin(dagster_runs.CODE_LOCATION)
        label = RemoteRepositoryOrigin(location, repository).get_label()
        run_assets(small.job, small.instance, BOTH, {})
        as_the_page = dg.RunsFilter(job_name="validate", tags={REPOSITORY_LABEL_TAG: label})
        assert len(small.instance.get_runs(as_the_page)) == 1


def test_a_dead_run_gives_back_its_slot(small: Small) -> None:
    with relied_on(
        "`report_run_failed` and `event_log_storage`'s `get_concurrency_run_ids` and "
        "`free_concurrency_slots_for_run`"
    ):
        storage = small.instance.event_log_storage
        storage.set_concurrency_slots("gpu", 1)
        run = small.instance.create_run_for_job(
            small.job,
            status=dg.DagsterRunStatus.STARTED,
            tags={dagster_runs._PROCESS_TAG: "1@0.00"},
        )
        assert storage.claim_concurrency_slot("gpu", run.run_id, "step").is_claimed
        assert bury_dead_runs(small.instance) == [run.run_id]
        assert small.instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE
        assert storage.claim_concurrency_slot("gpu", "another", "step").is_claimed


@pytest.mark.parametrize(
    ("status", "is_free"),
    [
        (dg.DagsterRunStatus.FAILURE, True),
        (dg.DagsterRunStatus.SUCCESS, True),
        (dg.DagsterRunStatus.STARTED, False),
    ],
)
def test_a_run_that_is_over_keeps_no_slot(
    small: Small, status: dg.DagsterRunStatus, is_free: bool
) -> None:
    """Its process was killed before it gave the slot back; one that goes on keeps its own."""
    storage = small.instance.event_log_storage
    storage.set_concurrency_slots("gpu", 1)
    run = small.instance.create_run_for_job(small.job, status=status)
    assert storage.claim_concurrency_slot("gpu", run.run_id, "step").is_claimed
    assert bury_dead_runs(small.instance) == []
    assert storage.claim_concurrency_slot("gpu", "another", "step").is_claimed is is_free
