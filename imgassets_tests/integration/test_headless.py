"""What the command line does can be done in a run of Dagster as well, and its page shows it."""

import shutil
from pathlib import Path

import dagster as dg

from imgassets.defs.headless import bring_up_to_date, plan
from imgassets.documents.project import load_project
from imgassets.refresh.selection import Selection
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import at_home


def runs_on_the_page_of_validate(instance: dg.DagsterInstance) -> int:
    """How many runs the UI's page of the job `validate` lists."""
    filters = dg.RunsFilter(
        job_name="validate", tags={".dagster/repository": "__repository__@imgassets"}
    )
    return instance.get_runs_count(filters)


def test_an_op_does_what_the_plan_says_and_nothing_more(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    edit_file(tmp_path / "contracts" / "endpoints" / "cards.yaml", "floor: 0.1", "floor: 0.2")

    @dg.op
    def as_planned(context: dg.OpExecutionContext) -> None:
        bring_up_to_date(load_project(tmp_path), context.instance, Selection(), "cpu")

    @dg.job(executor_def=dg.in_process_executor)
    def nightly() -> None:
        as_planned()

    with at_home(tmp_path) as instance:
        before = runs_on_the_page_of_validate(instance)
        assert before > 0
        planned = plan(load_project(tmp_path), instance, Selection(), "cpu")
        assert set(planned.must) == {"cards/prod/comparison", "cards/fast/comparison"}
        assert nightly.execute_in_process(instance=instance).success
        assert plan(load_project(tmp_path), instance, Selection(), "cpu").assets == {}
        assert runs_on_the_page_of_validate(instance) > before
        done = runs_on_the_page_of_validate(instance)
        assert nightly.execute_in_process(instance=instance).success
        assert runs_on_the_page_of_validate(instance) == done, "nothing was out of date"
