"""`validate` ends with everything made from the present, or says what is not and why."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from imgassets import requests
from imgassets.cli.main import main
from imgassets.defs.build import VALIDATE_JOB, build_definitions
from imgassets.documents.project import load_project
from imgassets.refresh import execute
from imgassets.refresh.dagster_state import Reader
from imgassets.refresh.plan import Asset, Made, Plan, walk
from imgassets.storage.image_store import ImageStore
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import at_home, model_file, write_small_project


class Stuck:
    """Reads a graph in which an asset stays out of date, whatever is run."""

    instance = None

    def plan(self, wanted: set[dg.AssetKey], tried: set[str]) -> Plan:
        made = Made("1", "1", {})
        below = Made("1", "1", {"a": "1"})
        assets = [Asset("a", (), "1", made, harm="a is missing"), Asset("b", ("a",), "1", below)]
        return walk(assets, {}, {"a", "b"}, tried)

    def stale_checks(self, plan: Plan, wanted: set[dg.AssetKey]) -> set[dg.AssetCheckKey]:
        return set()


def test_what_stays_out_of_date_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Any] = []
    monkeypatch.setattr(execute, "_run", lambda *given: runs.append(given) or [])
    job: Any = None
    look: Any = Stuck
    errors = execute._catch_up(job, look, set())
    assert errors == ["a is still out of date, run again to go on: a is missing"]
    assert len(runs) == 1


def test_an_interrupt_is_no_failed_asset() -> None:
    """Or what does not depend on the asset would be made next."""

    @dg.asset
    def interrupted() -> None:
        signal.raise_signal(signal.SIGINT)

    @dg.asset(deps=[interrupted])
    def broken() -> None:
        raise ValueError("not interrupted")

    definitions = dg.Definitions(
        [interrupted, broken],
        jobs=[dg.define_asset_job("all", executor_def=dg.in_process_executor)],
        loggers={"console": dg.colored_console_logger},
    )
    job = definitions.resolve_job_def("all")
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(KeyboardInterrupt):
            execute._run(job, instance, {interrupted.key}, set())
        errors = execute._run(job, instance, {broken.key}, set())
        assert errors == ["broken: ValueError: not interrupted"]


class Requests:
    """The requests of a small project, brought up to date without making an image."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.project = load_project(root)
        definitions = build_definitions(self.project, "cpu")
        self.job = definitions.resolve_job_def(VALIDATE_JOB)
        self.graph = definitions.resolve_asset_graph()
        self.instance = instance
        self.keys = {
            key
            for key in self.graph.materializable_asset_keys
            if key.path[-1].startswith("requests_")
        }

    def look(self) -> Reader:
        return Reader(self.project, self.graph, self.instance, "cpu")

    def catch_up(self) -> list[str]:
        self.look().observe()
        return execute._catch_up(self.job, self.look, self.keys)

    def must(self) -> dict[str, str]:
        return dict(self.look().plan(self.keys).must)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Any]]:
    """A small project whose requests were made, and its Dagster instance."""
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    write_small_project(tmp_path)
    edit_file(
        tmp_path / "contracts/endpoints/cards.yaml",
        "flows: [generate, edit, upscale]",
        "flows: [generate, edit, upscale, postprocess]\n"
        "postprocess: [{kind: sharpen, radius: 1.0, amount: 0.5}]",
    )
    with at_home(tmp_path) as instance:
        assert Requests(tmp_path, instance).catch_up() == []
        assert Requests(tmp_path, instance).must() == {}
        yield tmp_path, instance


def test_a_document_changed_while_it_was_read_and_taken_back_leaves_nothing_wrong(
    home: tuple[Path, Any],
) -> None:
    root, instance = home
    edit_file(model_file(root, "fast"), "steps: 1", "steps: 2")
    begun = Requests(root, instance)
    edit_file(model_file(root, "fast"), "steps: 2", "steps: 3")
    assert [e for e in begun.catch_up() if "requests_generate is still out of date" in e]
    edit_file(model_file(root, "fast"), "steps: 3", "steps: 2")
    again = Requests(root, instance)
    why = "asks for other images than those that were requested"
    assert again.must()["cards/fast/requests_generate"] == why
    assert again.catch_up() == []
    assert again.must() == {}


def test_another_pillow_makes_the_images_it_post_processes_out_of_date(
    home: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = requests._installed
    monkeypatch.setattr(
        requests, "_installed", lambda name: "99" if name == "pillow" else installed(name)
    )
    upgraded = Requests(*home)
    assert upgraded.must()["cards/fast/requests_postprocess"] == (
        "asks for other images than those that were requested"
    )
    assert upgraded.catch_up() == []
    assert upgraded.must() == {}


def test_what_was_reported_by_hand_was_not_made(home: tuple[Path, Any]) -> None:
    root, instance = home
    key = dg.AssetKey(["cards", "fast", "requests_edit"])
    instance.report_runless_asset_event(dg.AssetMaterialization(key))
    begun = Requests(root, instance)
    assert begun.must()["cards/fast/requests_edit"] == "never made"
    assert begun.catch_up() == []
    assert begun.must() == {}


@pytest.fixture
def copy(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A validated project that the command line finds."""
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("IMGASSETS_PROJECT", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / ".imgassets" / "dagster"))
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    return tmp_path


def test_a_report_is_named_only_where_it_was_brought_up_to_date(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate"]) in (0, 1)
    assert "report: " in capsys.readouterr().out
    assert main(["validate", "--model", "fast"]) in (0, 1)
    assert "report: " not in capsys.readouterr().out


def test_a_document_that_changed_meanwhile_is_told(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    validate = execute.validate

    def slowly(*given: Any) -> Any:
        verdicts = validate(*given)
        edit_file(copy / "contracts/endpoints/cards.yaml", "floor: 0.1", "floor: 0.2")
        (copy / "prompts/few.yaml").touch()
        return verdicts

    monkeypatch.setattr(execute, "validate", slowly)
    assert main(["validate"]) in (0, 1)
    assert capsys.readouterr().err.splitlines()[-1] == (
        "imgassets: changed while this ran, so run it again to take it in: "
        "contracts/endpoints/cards.yaml"
    )


def test_no_image_is_kept_under_the_key_of_another(home: tuple[Path, Any]) -> None:
    """A model changed since its images were asked for; making them by hand now is refused."""
    root, instance = home
    Requests(root, instance).catch_up()
    edit_file(model_file(root, "fast"), "shift: 2.0", "shift: 3.0")
    project = load_project(root)
    job = build_definitions(project, "cpu").resolve_job_def(VALIDATE_JOB)
    subset = job.get_subset(asset_selection={dg.AssetKey(["cards", "fast", "generated"])})
    result = subset.execute_in_process(instance=instance, raise_on_error=False)
    assert "materialize requests_generate first" in execute._errors(result)[0]
    assert list(ImageStore(root / ".imgassets" / "images").keys()) == []


def test_several_may_be_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster makes its databases on first use, and fails where two do so at once."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    together = threading.Barrier(4)

    def first(_: int) -> int:
        together.wait()
        with execute.open_instance(tmp_path) as instance:
            return len(instance.get_runs())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(first, range(4))) == [0] * 4
