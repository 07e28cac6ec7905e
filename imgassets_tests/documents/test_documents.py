"""Every fault in a document is said with file, line, field and fix; nothing raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets.documents.project import load_project
from imgassets.judges.vocabulary import unknown_words
from imgassets_tests.conftest import edit_file

ENDPOINT = "contracts/endpoints/cards.yaml"
MODEL = "contracts/models/prod.yaml"
PROMPTS = "prompts/few.yaml"

FAULTS = [
    # file, text to replace, replacement, line, field, words of the message, words of the fix
    (ENDPOINT, "floor: 0.1", "flor: 0.1", 12, "criteria[0].flor", "unknown field", "`floor`"),
    (
        ENDPOINT,
        "floor: 0.1, ",
        "ceiling: 0.1, ",
        12,
        "criteria[0].ceiling",
        "no sense",
        "use floor",
    ),
    (
        ENDPOINT,
        "composition.correct",
        "composition.corect",
        12,
        "criteria[0].metric",
        "unknown metric",
        "`composition.correct`",
    ),
    (ENDPOINT, "incumbent: prod\n", "", 1, "incumbent", "missing", "`incumbent`"),
    (ENDPOINT, "incumbent: prod", "incumbent: prof", 7, "incumbent", "prof.yaml", "'prod'"),
    (ENDPOINT, "[few]", "[fwe]", 6, "prompt_sets[0]", "fwe.yaml", "'few'"),
    (ENDPOINT, "max_prompt_chars: 60", "max_prompt_chars: 30", 0, "", "accepts 30", "shorten"),
    (ENDPOINT, "seeds: [5, 6]", "seeds: [5, 5]", 5, "sampling.seeds[1]", "twice", "once"),
    (ENDPOINT, "seeds: [5, 6]", "seeds: [5, -6]", 5, "sampling.seeds[1]", "greater than", ""),
    (ENDPOINT, "[[96, 96]]", "[[64, 64]]", 3, "returns.size", "accepts.sizes", "add it"),
    (ENDPOINT, "endpoint: cards", "endpoint: other", 1, "endpoint", "differs", "'cards'"),
    (
        ENDPOINT,
        "typography.exact, flow: generate",
        "reproducibility.identical, flow: generate",
        13,
        "criteria[1].metric",
        "no metric family measures reproducibility.identical on flow generate",
        "drop it",
    ),
    (
        ENDPOINT,
        "artefacts.clean, flow: upscale, floor: 0.5",
        "upscaling.psnr, flow: upscale, floor: 30",
        14,
        "criteria[2].metric",
        "no metric family measures upscaling.psnr on flow upscale",
        "upscaling.consistency_psnr",
    ),
    (
        ENDPOINT,
        "budget:",
        "review:\n  disagree:\n  - metrics: [artefacts.clean, reproducibility.identical]\n"
        "    max_rate: 0.1\nbudget:",
        17,
        "review.disagree[0].metrics[1]",
        "no metric family measures reproducibility.identical",
        "drop it",
    ),
    (
        ENDPOINT,
        "budget:",
        "review: {disagree: [{metrics: [artefacts.clean, typography.exact], "
        "flow: stylize, max_rate: 0.1}]}\nbudget:",
        15,
        "review.disagree[0].flow",
        "artefacts.clean and typography.exact is on flow stylize, which is not in",
        "add the flow",
    ),
    (
        ENDPOINT,
        "budget:",
        "review: {near: [{metric: artefacts.clean, flow: postprocess, within: 0.1}]}\nbudget:",
        15,
        "review.near[0].flow",
        "artefacts.clean is on flow postprocess, which is not in flows",
        "add the flow",
    ),
    (MODEL, "EulerDiscrete", "EulerDiscreet", 6, "scheduler.class", "no scheduler", "did you mean"),
    (MODEL, "shift: 2.0", "shif: 2.0", 7, "scheduler.settings.shif", "no setting", "'shift'"),
    (MODEL, "package:tiny-base", "nowhere", 3, "weights", "does not exist", "correct the path"),
    (
        MODEL,
        "pipeline: StableDiffusion3P",
        "pipeline: StableDiffusion4P",
        4,
        "pipeline",
        "no pipe",
        "",
    ),
    (MODEL, "backend: diffusers", "backend: [", 0, "", "not valid YAML", "close each"),
    (MODEL, "usd_per_hour: 0.34, ", "", 12, "price", "neither", "add one"),
    (PROMPTS, "id: word", "id: two-stars", 17, "prompts[2].id", "already", "rename"),
    (
        PROMPTS,
        "class: circle",
        "class: circel",
        7,
        "prompts[0].expect.include[0].class",
        "circel",
        "",
    ),
    (PROMPTS, "kind: suffix", "kind: sufix", 3, "transforms[0]", "sufix", ""),
    (PROMPTS, "class: star, count: 2", "class: star, count: two", 15, "", "a whole number", ""),
]


@pytest.mark.parametrize(("file", "old", "new", "line", "field", "says", "fix"), FAULTS)
def test_a_fault_names_file_line_field_and_fix(
    project_root: Path, file: str, old: str, new: str, line: int, field: str, says: str, fix: str
) -> None:
    edit_file(project_root / file, old, new)
    project = load_project(project_root)
    problems = [*project.problems, *unknown_words(project)]
    hits = [p for p in problems if says in p.message]
    if line:
        hits = [p for p in hits if (p.file, p.line) == (file, line)]
    assert any(field in p.field and fix in p.fix for p in hits), [str(p) for p in problems]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is null"),
        ("null", "is null"),
        ("~", "is null"),
        ('""', "shows nothing"),
        ("' '", "shows nothing"),
        ('"\\n\\t"', "shows nothing"),
        ('"\\u200b"', "shows nothing"),
        ('"\\ufeff\\u00ad "', "shows nothing"),
        ('"\\u3000"', "shows nothing"),
        ('"\\u2800"', "shows nothing"),
        ("\u041f\u0420\u0418", "no letters for"),
        ("\u05e9\u05dc\u05d5\u05dd", "Hebrew"),
        ("\uc548\ub155", "Hangul"),
        ("SALE \u0e2a\u0e27", "Thai"),
    ],
)
@pytest.mark.parametrize("place", ["prompts[2].expect.text", "prompts[0].edit.expect.text"])
def test_a_text_that_no_reader_could_find_is_named(
    project_root: Path, text: str, says: str, place: str
) -> None:
    """Null, blank, invisible, or of letters the reader does not have; absent is fine."""
    if "edit" in place:
        old, new = "include: [{class: square, color: blue}]", f"text: {text}"
        edit_file(project_root / PROMPTS, f"expect: {{{old}}}", f"expect:\n        {new}")
    else:
        edit_file(project_root / PROMPTS, "expect: {text: HI}", f"expect:\n      text: {text}")
    project = load_project(project_root)
    problems = [*project.problems, *unknown_words(project)]
    named = [p for p in problems if (p.file, p.field) == (PROMPTS, place)]
    assert len(named) == 1, [str(p) for p in problems]
    assert says in named[0].message


def test_valid_documents_have_no_problem(project_root: Path) -> None:
    project = load_project(project_root)
    assert [*project.problems, *unknown_words(project)] == []
    assert project.endpoint("cards").models == ("prod", "fast")


def test_the_demo_documents_are_valid() -> None:
    project = load_project(Path(__file__).parents[2])
    assert [str(p) for p in (*project.problems, *unknown_words(project))] == []
    assert all(len(e.document.candidates) >= 3 for e in project.endpoints.values())


def test_a_broken_document_leaves_the_others_usable(project_root: Path) -> None:
    (project_root / "contracts/endpoints/broken.yaml").write_text("endpoint: [")
    project = load_project(project_root)
    assert [e.endpoint for e in project.usable_endpoints()] == ["cards"]
    assert project.problems[0].file == "contracts/endpoints/broken.yaml"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("model: a\nmodel: b\n", "appears twice"),
        ("- 1\n", "fields"),
        ("model: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
        ("a: &a [1]\nb: [" + "*a," * 200 + "]\n", "aliases"),
        ("model: \x00", "not valid YAML"),
    ],
)
def test_hostile_yaml_is_a_problem(project_root: Path, text: str, says: str) -> None:
    (project_root / MODEL).write_text(text)
    problems = load_project(project_root).problems
    assert any(p.file == MODEL and says in p.message for p in problems), [str(p) for p in problems]


def test_an_empty_prompt_set_is_a_problem(project_root: Path) -> None:
    (project_root / PROMPTS).write_text("prompt_set: few\nprompts: []\n")
    problems = load_project(project_root).problems
    assert any(p.file == PROMPTS and p.field == "prompts" for p in problems)


def test_geneval_metadata_is_a_prompt_set_as_it_is(project_root: Path) -> None:
    rows = [
        {
            "tag": "single_object",
            "include": [{"class": "circle", "count": 1}],
            "prompt": "a circle",
        },
        {
            "tag": "position",
            "include": [
                {"class": "star", "count": 1},
                {"class": "heart", "count": 1, "position": ["left of", 0]},
            ],
            "prompt": "a heart left of a star",
        },
        {
            "tag": "counting",
            "include": [{"class": "star", "count": 2}],
            "exclude": [{"class": "star", "count": 3}],
            "prompt": "two stars",
        },
    ]
    path = project_root / "prompts" / "evaluation_metadata.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    project = load_project(project_root)
    prompts = project.prompt_sets["evaluation-metadata"].document.prompts
    assert [p.id for p in prompts] == ["00000", "00001", "00002"]
    assert prompts[1].expect.include[1].position == ("left of", 0)
    assert prompts[2].expect.exclude[0].count == 3
    assert project.problems == ()


def test_check_exits_1_and_prints_json(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 0
    assert "all valid" in capsys.readouterr().out
    edit_file(project_root / MODEL, "steps: 4", "steps: 0")
    assert main(["check", "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)
    assert (MODEL, 8, "sampling.steps") in {(p["file"], p["line"], p["field"]) for p in problems}


def test_validate_with_bad_documents_exits_2_and_names_the_file(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_file(project_root / MODEL, "FlowMatchEulerDiscreteScheduler", "NoSuchScheduler")
    assert main(["validate"]) == 2
    assert f"{MODEL}:6: scheduler.class" in capsys.readouterr().err


def test_an_empty_folder_is_reported_not_crashed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMGASSETS_PROJECT", str(tmp_path))
    assert main(["check"]) == 1
    assert "no endpoint contract found" in capsys.readouterr().out
