"""Mistakes as people make them: each is one problem, with its file, line, field and fix.

One mistake, one problem: a document that is broken or missing must not make others look wrong.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets.documents.problems import Problem, listed
from imgassets.documents.project import load_project
from imgassets.judges.vocabulary import all_problems
from imgassets_tests.conftest import edit_file

CONTRACT = "contracts/endpoints/cards.yaml"
MODEL = "contracts/models/prod.yaml"
PROMPTS = "prompts/few.yaml"
MORE = "budget: {seconds_per_image: 60}\n"

#: (what is replaced, by what, line, field, words of the message, words of the fix)
Mistake = tuple[str, str, int, str, str, str]
IN_A_CONTRACT: list[Mistake] = [
    ("criteria:", "critera:", 11, "critera", "unknown field", "did you mean `criteria`?"),
    ("floor: 0.1", "flor: 0.1", 12, "criteria[0].flor", "unknown field", "`floor`"),
    ("composition.correct", "composition.corect", 12, "criteria[0].metric", "unknown metric",
     "did you mean `composition.correct`?"),
    # The margin cannot be read before the metric is known: it is no second problem.
    ("composition.correct, flow: generate, floor: 0.1, margin: 0.2",
     "composition.corect, margin: 10 points", 12, "criteria[0].metric", "unknown metric",
     "did you mean `composition.correct`?"),
    ("size: [96, 96]", "size: 96", 3, "returns.size", "one side", "write `[96, 96]`"),
    ("margin: 0.2}", "margin: 20}", 12, "criteria[0].margin", "whole range", "`20 %`"),
    ("floor: 0.1, margin: 0.2", "floor: 95", 12, "criteria[0].floor", "between 0 and 1",
     "`95 %`"),
    ("max_rate: 0.05", "max_rate: 5", 10, "failure_modes[0].max_rate", "between 0 and 1",
     "`5 %`"),
    ("incumbent: prod", "incumbent: prd", 7, "incumbent", "no valid contracts/models/prd.yaml",
     "did you mean 'prod'?"),
    ("floor: 0.1", "ceiling: 0.1", 12, "criteria[0].ceiling", "higher is better", "use floor"),
    ("flow: upscale, floor", "flow: postprocess, floor", 14, "criteria[2].flow",
     "not in flows", "add the flow to `flows`"),
    ("size: [96, 96]", "size: [64, 64]", 3, "returns.size", "not among accepts.sizes",
     "add it there"),
    ("[few]", "[fwe]", 6, "prompt_sets[0]", "no valid prompts/fwe.yaml", "did you mean 'few'?"),
    ("candidates: [fast]", "candidates: [fast, prod]", 8, "candidates[1]",
     "both incumbent and candidate", "drop it from one"),
    ("candidates: [fast]", "candidates: fast", 8, "candidates", "wanted: a list",
     "write `[fast]`"),
    ("floor: 0.1, margin: 0.2", "severity: gating", 12, "criteria[0]", "no limit is given",
     "add a floor or a margin"),
    ("mode: backend_error", "mode: backend_eror", 10, "failure_modes[0].mode", "wanted: one of",
     "did you mean `backend_error`?"),
    ("seeds: [5, 6]", "seeds: [5, 5]", 5, "sampling.seeds[1]", "listed twice", "once"),
    ("seeds: [5, 6]", "seeds: 5", 5, "sampling.seeds", "wanted: a list", "write `[5]`"),
    ("max_prompt_chars: 60", "max_prompt_chars: 0", 2, "accepts.max_prompt_chars",
     "greater than or equal to 1", "raise it to 1 or more"),
    ("severity: warning", "severity: warn", 13, "criteria[1].severity", "wanted: one of",
     "did you mean `warning`?"),
    ("typography.exact, flow: generate", "composition.correct, flow: generate", 13,
     "criteria[1]", "criterion generate__composition_correct is listed", "keep or rename"),
    ("flows: [generate, edit, upscale]", "flows: [edit, upscale, generate, stylize]", 4,
     "flows[3]", "flow stylize needs `stylize`", "add `stylize`"),
    ("{seconds_per_image: 60}", "{seconds_per_image: 60 USD}", 15, "budget.seconds_per_image",
     "no unit of a time", "`500 ms`"),
    (MORE, f"{MORE}traffic: {{busiest_hour: 5, per_month: {{stylize: 5}}}}\n", 16,
     "traffic.per_month.stylize", "not in flows", "or drop this"),
    (MORE, f"{MORE}judges: {{typography: shapes}}\n", 16, "judges.typography",
     "no judge to choose", "composition"),
    (MORE, f"{MORE}judges: {{composition: coco}}\n", 16, "judges.composition",
     "no embedded judge 'coco'", "known: coco-small"),
    (MORE, f"{MORE}decision: {{alpha: 5}}\n", 16, "decision.alpha", "between 0 and 1", "`5 %`"),
    (MORE, f"{MORE}review: {{near: [{{metric: artefacts.clean, within: 1 %}}]}}\n", 16,
     "review.near[0].metric", "no criterion on the mean", "add one"),
    ("edit, upscale]", "edit, upscale", 5, "", "not valid YAML",
     "close each `[`"),
    ("endpoint: cards", "endpoint: card", 1, "endpoint", "differs from the file's", "'cards'"),
    ("endpoint: cards", "endpoint: cards\nendpoint: cards", 2, "", "appears twice",
     "keep one of them"),
]  # fmt: skip
IN_A_MODEL: list[Mistake] = [
    ("backend: diffusers", "backend: difusers", 2, "backend", "wanted: one of",
     "did you mean `diffusers`?"),
    ("backend: diffusers", "bakend: diffusers", 1, "backend", "required field is missing",
     "add `backend`"),
    ("EulerDiscrete", "EulerDiscreet", 6, "scheduler.class", "no scheduler", "did you mean"),
    ("shift: 2.0", "shif: 2.0", 7, "scheduler.settings.shif", "no setting", "'shift'"),
    ("package:tiny-base", "weights/nowhere", 3, "weights", "does not exist", "correct the path"),
    ("package:tiny-base", "hub:acme/shoes", 3, "weights", "has no revision", "add `revision`"),
    ("steps: 4,", "steps: four,", 8, "sampling.steps", "a whole number", "plain decimal number"),
    ("strength: 1.0", "strength: 60", 9, "edit.strength", "between 0 and 1", "`60 %`"),
    ("as_of: 2026-11-24", "as_of: 24.11.2026", 12, "price.as_of", "a day",
     "write it as 2026-11-24"),
    ("usd_per_hour: 0.34, ", "", 12, "price", "neither usd_per_hour nor", "add one of them"),
    ("model: prod", "model: Prod", 1, "model", "of the form", "did you mean `prod`?"),
    ("scale: 2", "scale: 2, sharpen: 1", 10, "upscaler.sharpen", "unknown field", "remove it"),
]  # fmt: skip
IN_PROMPTS: list[Mistake] = [
    ("class: circle", "class: circel", 7, "prompts[0].expect.include[0].class",
     "does not know 'circel'", "use one of: circle"),
    ("id: word", "id: two-stars", 17, "prompts[2].id", "already", "rename"),
    ("id: red-circle", "id: Red circle", 5, "prompts[0].id", "of the form",
     "did you mean `red-circle`?"),
    ("text: HI", "text: NO", 19, "prompts[2].expect.text", "false", '"NO"'),
    ("prompt: a large red circle", "prompt: the #1 circle", 6, "prompts[0].prompt", "is lost",
     "in quotes"),
    ("count: 2", "count: two", 15, "prompts[1].expect.include[0].count", "a whole number",
     "plain decimal number"),
    ("[0.0, 0.0, 0.5, 1.0]", "[0.5, 0.0, 0.5, 1.0]", 9, "prompts[0].edit.region", "is empty",
     "left smaller than right"),
    ("[0.0, 0.0, 0.5, 1.0]", "[0, 0, 50, 1]", 9, "prompts[0].edit.region[2]",
     "between 0 and 1", "`50 %`"),
    ("kind: suffix", "kind: sufix", 3, "transforms[0]", "unknown `kind`", "suffix"),
    ("prompts:", "promts:", 4, "promts", "unknown field", "did you mean `prompts`?"),
]  # fmt: skip
MISTAKES = [
    *((CONTRACT, *mistake) for mistake in IN_A_CONTRACT),
    *((MODEL, *mistake) for mistake in IN_A_MODEL),
    *((PROMPTS, *mistake) for mistake in IN_PROMPTS),
]


def problems_of(root: Path) -> list[Problem]:
    return all_problems(load_project(root))


@pytest.mark.parametrize(("file", "old", "new", "line", "field", "says", "fix"), MISTAKES)
def test_a_mistake_is_one_problem_with_file_line_field_and_fix(
    project_root: Path, file: str, old: str, new: str, line: int, field: str, says: str, fix: str
) -> None:
    edit_file(project_root / file, old, new)
    found = problems_of(project_root)
    assert len(found) == 1, "\n".join(map(str, found))
    (problem,) = found
    assert (problem.file, problem.line, problem.field) == (file, line, field)
    assert says in problem.message
    assert fix in problem.fix


def test_there_are_enough_mistakes() -> None:
    assert len(MISTAKES) >= 39
    assert len(IN_A_CONTRACT) >= 10


# ---- none follows from another --------------------------------------------------------------


@pytest.mark.parametrize("file", [CONTRACT, MODEL, PROMPTS])
def test_a_broken_document_makes_no_other_look_wrong(project_root: Path, file: str) -> None:
    (project_root / "labels").mkdir()
    (project_root / "labels/cards.csv").write_text("image_key,metric,value,who,when\n")
    (project_root / file).write_text("a: [")
    assert {problem.file for problem in problems_of(project_root)} == {file}


def test_a_renamed_document_is_told_once(project_root: Path) -> None:
    (project_root / MODEL).rename(project_root / "contracts/models/production.yaml")
    (problem,) = problems_of(project_root)
    assert problem.file == "contracts/models/production.yaml"
    assert "'prod' differs from the file's" in problem.message


def test_all_mistakes_of_a_contract_are_told_at_once(project_root: Path) -> None:
    edit_file(project_root / CONTRACT, "size: [96, 96]", "size: [64, 64]")
    edit_file(project_root / CONTRACT, "flows: [generate, edit, upscale]", "flows: [generate]")
    edit_file(project_root / CONTRACT, "candidates: [fast]", "candidates: [fast, fast]")
    found = [(p.line, p.field) for p in problems_of(project_root)]
    assert found == [(3, "returns.size"), (8, "candidates[1]"), (14, "criteria[2].flow")]


def test_labels_of_no_endpoint_are_still_told(project_root: Path) -> None:
    (project_root / "labels").mkdir()
    (project_root / "labels/nowhere.csv").write_text("image_key,metric,value,who,when\n")
    (problem,) = problems_of(project_root)
    assert "no valid contract of an endpoint 'nowhere'" in problem.message


def test_two_files_of_one_prompt_set_are_told(project_root: Path) -> None:
    (project_root / "prompts/few.jsonl").write_text('{"prompt": "a"}\n')
    (problem,) = problems_of(project_root)
    assert (problem.file, problem.fix) == ("prompts/few.jsonl", "rename one of the files")


# ---- the same fix once -----------------------------------------------------------------------


def test_a_fix_that_many_places_share_is_printed_once(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project_root / PROMPTS
    path.write_text(path.read_text().replace("class: star", "class: wombat"))
    assert main(["check"]) == 1
    first, second, fix, total = capsys.readouterr().out.splitlines()
    assert first.startswith("prompts/few.yaml:15: prompts[1].expect.include[0].class: judge shapes")
    assert second.startswith("prompts/few.yaml:16: prompts[1].expect.exclude[0].class: judge")
    assert fix.startswith("  [fix of these 2: use one of: circle, ")
    assert total.endswith("2 problem(s)")


def test_of_very_many_places_the_first_are_listed_and_the_rest_counted() -> None:
    places = [Problem("a.yaml", line, "f", "wrong", "mend it") for line in range(1, 41)]
    lines = listed(places).splitlines()
    assert len(lines) == 14
    assert lines[12] == "a.yaml: ... and 28 more, up to line 40"
    assert lines[13] == "  [fix of these 40: mend it]"


# ---- percents --------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["50 %", "50%", "50 percent", "0.5"])
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (CONTRACT, "max_rate: 0.05", "max_rate: VALUE"),
        (CONTRACT, "floor: 0.1", "floor: VALUE"),
        (CONTRACT, "margin: 0.2}", "margin: VALUE}"),
        (CONTRACT, MORE, MORE + "failures: {total: VALUE}\n"),
        (CONTRACT, MORE, MORE + "review: {disagree: [{metrics: [artefacts.clean, "
         "typography.exact], max_rate: VALUE}]}\n"),
        (CONTRACT, MORE, MORE + "review: {near: [{metric: composition.correct, "
         "within: VALUE}]}\n"),
        (MODEL, "strength: 1.0", "strength: VALUE"),
        (PROMPTS, "[0.0, 0.0, 0.5, 1.0]", "[0 %, 0, VALUE, 100 %]"),
    ],
)  # fmt: skip
def test_what_is_a_share_may_be_written_as_a_percent(
    project_root: Path, file: str, old: str, new: str, written: str
) -> None:
    edit_file(project_root / file, old, new.replace("VALUE", written))
    assert problems_of(project_root) == []


@pytest.mark.parametrize(
    "field",
    [
        "presence: 30 %", "presence: 30%, counting: 90 %", "counting: 0.9",
    ],
)  # fmt: skip
def test_thresholds_of_judges_may_be_percents(project_root: Path, field: str) -> None:
    (project_root / "contracts/judges").mkdir()
    (project_root / "contracts/judges/mine.yaml").write_text(
        f"judge: mine\nkind: ssd-mobilenet\nthresholds: {{{field}}}\nmax_overlap: 70 %\n"
    )
    assert problems_of(project_root) == []
    mine = load_project(project_root).judge("mine")
    assert getattr(mine, "max_overlap", None) == 0.7


def test_a_watermark_may_be_said_in_percents(project_root: Path) -> None:
    edit_file(project_root / CONTRACT, "edit, upscale]", "edit, upscale, postprocess]")
    mark = "postprocess: [{kind: watermark, text: a, height: 10 %, opacity: 50%}]\n"
    edit_file(project_root / CONTRACT, MORE, MORE + mark)
    assert problems_of(project_root) == []
