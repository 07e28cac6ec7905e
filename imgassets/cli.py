"""The `imgassets` command. Thin: it reads arguments, calls one function, prints, and exits.

Exit codes: 0 all is well (every verdict is GO), 1 something is not (a verdict, a document, an
image), 2 bad input or a run that could not finish.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgassets.report_command import add_arguments as add_report_arguments
from imgassets.spec.problems import InvalidDocumentsError
from imgassets.spec.project import Project, find_root, load_project, to_json
from imgassets.store_command import add_arguments as add_store_arguments

if TYPE_CHECKING:
    from imgassets.taking_in import TakenIn

OK, NOT_OK, BAD_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parsed = _parser().parse_args(arguments)
    _keep_quiet()
    try:
        return parsed.run(parsed)
    except InvalidDocumentsError as error:
        _fail(f"{len(error.problems)} problem(s) in the documents:\n{error}")
    except (LookupError, ValueError, OSError, RuntimeError) as error:
        _fail(str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error))
    except KeyboardInterrupt:
        _fail("interrupted; finished images are kept, run again to go on")
    return BAD_INPUT


def entry() -> None:
    """The console script."""
    sys.exit(main())


def _fail(message: str) -> None:
    print(f"imgassets: {message}", file=sys.stderr)


def _keep_quiet() -> None:
    """No telemetry, no notices of libraries that users cannot act on."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    warnings.simplefilter("ignore")
    logging.captureWarnings(True)


# ---- commands ------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    from imgassets.vocabulary import unknown_words

    project = load_project()
    problems = [*project.problems, *unknown_words(project)]
    if arguments.json:
        print(to_json(problems))
    else:
        for problem in problems:
            print(problem)
        print(
            f"{len(project.endpoints)} endpoint(s), {len(project.models)} model(s), "
            f"{len(project.prompt_sets)} prompt set(s): "
            + (f"{len(problems)} problem(s)" if problems else "all valid")
        )
    return NOT_OK if problems else OK


def _plan(arguments: argparse.Namespace) -> int:
    project = _valid_project()
    from imgassets.planning_words import plan_in_words
    from imgassets.running import Selection, open_instance, plan

    with open_instance(project.root) as instance:
        found = plan(project, instance, Selection(tuple(arguments.endpoint)), arguments.device)
    print(json.dumps(found.to_dict(), indent=2) if arguments.json else plan_in_words(found))
    return OK


def _valid_project() -> Project:
    from imgassets.vocabulary import unknown_words

    project = load_project()
    problems = [*project.problems, *unknown_words(project)]
    if problems:
        raise InvalidDocumentsError(problems)
    return project


def _validate(arguments: argparse.Namespace) -> int:
    project = _valid_project()
    from imgassets.home import home_of
    from imgassets.running import (
        Selection,
        forget_more,
        open_instance,
        validate,
        validate_with_more,
    )

    selection = Selection(tuple(arguments.endpoint), tuple(arguments.model))
    if arguments.no_more:
        forget_more(project, selection)
    with open_instance(project.root) as instance:
        if arguments.more:
            verdicts, told = validate_with_more(project, instance, selection, arguments.device)
            print(*told or ["--more: no verdict is INCONCLUSIVE"], sep="\n", file=sys.stderr)
        else:
            verdicts = validate(project, instance, selection, arguments.device)
    if arguments.json:
        print(json.dumps([v.to_dict() for v in verdicts], indent=2))
    else:
        from imgassets.report.table import verdict_table

        print(verdict_table(verdicts))
        for endpoint in dict.fromkeys(v.endpoint for v in verdicts):
            report = home_of(project.root) / "reports" / endpoint / "report.html"
            if report.exists():
                print(f"report: {report}")
        print("lineage: imgassets ui   (then open http://127.0.0.1:3000)")
    return OK if all(v.verdict == "GO" for v in verdicts) else NOT_OK


def _score(arguments: argparse.Namespace) -> int:
    from imgassets.scoring import score_folder

    scored = score_folder(arguments.prompts, arguments.images)
    if arguments.json:
        print(json.dumps({"images": [s.to_dict() for s in scored]}, indent=2))
    else:
        for image in scored:
            mark = {True: "ok  ", False: "FAIL", None: "--  "}[image.correct]
            print(f"{mark} {image.file}  {image.reason}".rstrip())
        judged = [s.correct for s in scored if s.correct is not None]
        print(f"{sum(judged)} of {len(judged)} judged images correct, {len(scored)} in all")
    return OK


def _normalize(arguments: argparse.Namespace) -> int:
    from imgassets.taking_in import inputs_of, normalize_files, rules_of

    rules = rules_of(arguments.contract)
    taken = normalize_files(inputs_of(arguments.input, sys.stdin), arguments.out, rules)
    return _print_taken_in(taken, arguments)


def _upscale(arguments: argparse.Namespace) -> int:
    from imgassets.taking_in import inputs_of, open_upscaler_of, rules_of, upscale_files

    rules = rules_of(arguments.contract)
    make, scale = open_upscaler_of(_valid_project(), arguments.model, arguments.device)
    inputs = inputs_of(arguments.input, sys.stdin)
    return _print_taken_in(upscale_files(inputs, arguments.out, rules, make, scale), arguments)


def _print_taken_in(taken: TakenIn, arguments: argparse.Namespace) -> int:
    print(json.dumps(taken.to_dict(), indent=2) if arguments.json else taken)
    return NOT_OK if taken.refused else OK


def _reproduce(arguments: argparse.Namespace) -> int:
    from imgassets.home import home_of
    from imgassets.reproducing import Asked, reproduce

    project = _valid_project()
    devices = tuple(arguments.device) or ("auto",)
    asked = Asked(arguments.prompt, arguments.runs, arguments.seed, arguments.model, devices)
    found = reproduce(project, asked, home_of(project.root), arguments.out)
    print(json.dumps(found.to_dict(), indent=2) if arguments.json else found)
    return OK if found.same else NOT_OK


def _selftest(arguments: argparse.Namespace) -> int:
    project = _valid_project()
    from imgassets.decision.faults.catalogue import all_faults
    from imgassets.home import home_of
    from imgassets.selftest import SelfTester
    from imgassets.selftest_table import in_words

    faults = [f for f in all_faults() if not arguments.fault or f.name in arguments.fault]
    unknown = sorted(set(arguments.fault) - {f.name for f in faults})
    if unknown:
        raise LookupError(f"no fault {unknown[0]!r}; there are: {_names(all_faults())}")
    tester = SelfTester(
        project,
        home_of(project.root),
        draws=arguments.draws,
        progress=lambda text: print(text, file=sys.stderr, flush=True),
    )
    found = tester.run(faults)
    print(json.dumps(found.to_dict(), indent=2) if arguments.json else in_words(found))
    return OK if found.well else NOT_OK


def _names(faults: Sequence[Any]) -> str:
    return ", ".join(dict.fromkeys(f.name for f in faults))


def _store(arguments: argparse.Namespace) -> int:
    from imgassets import store_command
    from imgassets.home import home_of

    text, well = store_command.run(arguments, home_of(find_root()))
    print(text)
    return OK if well else NOT_OK


def _report(arguments: argparse.Namespace) -> int:
    from imgassets import report_command
    from imgassets.home import home_of

    project = _valid_project()
    text, well = report_command.run(arguments, project, home_of(project.root))
    print(text)
    return OK if well else NOT_OK


def _docs(arguments: argparse.Namespace) -> int:
    from imgassets.data_docs import build_docs
    from imgassets.home import home_of

    project = _valid_project()
    home = home_of(project.root)
    print(build_docs(project, home, arguments.out or home / "docs"))
    return OK


def _paid(arguments: argparse.Namespace) -> int:
    from imgassets import paid_command
    from imgassets.home import home_of

    print(paid_command.run(arguments, load_project(), home_of(find_root())))
    return OK


def _ui(arguments: argparse.Namespace) -> int:
    from imgassets.running import open_instance

    root = find_root()
    open_instance(root).dispose()  # puts dagster.yaml there
    command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(arguments.port)]
    command += ["-m", "imgassets.definitions"]
    os.environ.setdefault("IMGASSETS_PROJECT", str(root))
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, fixed arguments


# ---- arguments -----------------------------------------------------------------------------


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; give a number from 1024 to 65535")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imgassets",
        description="Turns the swap of an image model into a decision that can be defended.",
        epilog="A project is a folder with contracts/ and prompts/: the one you stand in, or "
        "$IMGASSETS_PROJECT. Everything made is kept in its .imgassets/ (or $IMGASSETS_HOME).",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser(
        "check",
        help="validate contracts, models and prompt sets",
        description="Prints every problem as FILE:LINE: FIELD: what is wrong [fix: how to mend "
        "it]. Exit 1 if there is any. Loads no model.",
    )
    check.add_argument("--json", action="store_true", help="print a JSON list of problems")
    check.set_defaults(run=_check)

    plan = commands.add_parser(
        "plan",
        help="say what validate would do, why, and what it would cost",
        description="Lists what is out of date with the document, field or code version that "
        "changed, the images the store lacks, and their estimated seconds and USD from measured "
        "costs. Loads no model and changes nothing. Exit 0.",
    )
    plan.add_argument(
        "--endpoint", action="append", default=[], metavar="E", help="only this one (repeatable)"
    )
    plan.add_argument(
        "--device", default="auto", choices=["auto", "cpu", "cuda", "mps"], help="default: auto"
    )
    plan.add_argument("--json", action="store_true", help="print a JSON object")
    plan.set_defaults(run=_plan)

    validate = commands.add_parser(
        "validate",
        help="make what is missing, measure, and judge",
        description="Does what `imgassets plan` says, and prints a verdict for each endpoint and "
        "model. Images already in the store are reused; an interrupted run goes on where it was. "
        "Exit 0 when every verdict is GO, 1 when one is not, 2 on bad input.",
    )
    validate.add_argument(
        "--endpoint", action="append", default=[], metavar="E", help="only this one (repeatable)"
    )
    validate.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="M",
        help="only this model (repeatable); the incumbent comes along, the report does not",
    )
    validate.add_argument(
        "--device", default="auto", choices=["auto", "cpu", "cuda", "mps"], help="default: auto"
    )
    adding = validate.add_mutually_exclusive_group()
    adding.add_argument(
        "--more",
        action="store_true",
        help="add the seeds that INCONCLUSIVE verdicts ask for, to them and their incumbents; "
        "kept in .imgassets/more, no document is edited",
    )
    adding.add_argument(
        "--no-more", action="store_true", help="take back the seeds that --more added"
    )
    validate.add_argument("--json", action="store_true", help="print verdicts as JSON")
    validate.set_defaults(run=_validate)

    score = commands.add_parser(
        "score",
        help="score images made by anyone",
        description="Scores a folder of images with the same metrics and a reason for each image; "
        "no model is loaded. Layouts: GenEval's (00000/samples/0000.png, with metadata.jsonl) or "
        "PROMPT_ID/SEED.png. An unusable image is a result like any other; exit 2 on bad input.",
    )
    score.add_argument(
        "--prompts",
        type=Path,
        required=True,
        metavar="FILE",
        help="a prompt set (YAML), or GenEval's evaluation_metadata.jsonl",
    )
    score.add_argument("--images", type=Path, required=True, metavar="DIR")
    score.add_argument("--json", action="store_true", help="print a JSON object")
    score.set_defaults(run=_score)

    normalize = commands.add_parser(
        "normalize",
        help="make images from outside safe and uniform, or refuse them",
        description="Writes every image as upright 8-bit sRGB PNG without metadata, or says why "
        "not. No input and no existing file is changed. Exit 1 if any image was refused; see "
        "docs/inputs.md for the rules.",
    )
    _add_taking_in(normalize)
    normalize.set_defaults(run=_normalize)

    upscale = commands.add_parser(
        "upscale",
        help="normalize images and make them larger",
        description="Does what `imgassets normalize` does, and enlarges each image with the "
        "model's upscaler. Exit 1 if any image was refused.",
    )
    _add_taking_in(upscale)
    upscale.add_argument("--model", required=True, metavar="M", help="whose `upscaler` to use")
    upscale.add_argument(
        "--device", default="auto", choices=["auto", "cpu", "cuda", "mps"], help="default: auto"
    )
    upscale.set_defaults(run=_upscale)

    reproduce = commands.add_parser(
        "reproduce",
        help="make the same image again and say whether it is the same",
        description="Makes an image several times, loading the model anew each time, compares "
        "bit by bit, and shows both beside what differs. Without --seed each run draws its own, "
        "which shows what is lost. Exit 0 when all are the same, 1 when not, 2 on bad input.",
    )
    reproduce.add_argument("--prompt", required=True, metavar="TEXT")
    reproduce.add_argument(
        "--runs", type=int, default=2, metavar="N", help="on each device; default: 2"
    )
    reproduce.add_argument("--seed", type=int, metavar="S", help="0 to 2147483647")
    reproduce.add_argument(
        "--model", metavar="M", help="default: the incumbent of the first endpoint"
    )
    reproduce.add_argument(
        "--device",
        action="append",
        default=[],
        choices=["auto", "cpu", "cuda", "mps"],
        help="repeatable, to compare devices; default: auto",
    )
    reproduce.add_argument(
        "--out", type=Path, metavar="DIR", help="default: a folder in .imgassets/reproduce"
    )
    reproduce.add_argument("--json", action="store_true", help="print a JSON object")
    reproduce.set_defaults(run=_reproduce)
    selftest = commands.add_parser(
        "selftest",
        help="plant faults into a healthy model and see whether they are caught",
        description="Plants realistic faults, strong and faint, into the embedded models, judges "
        "each at the project's endpoints on many draws, and the healthy model with other seeds as "
        "well. Progress goes to standard error; images are kept in .imgassets/selftest. Exit 0 "
        "when every strong fault is caught in 95 % of the draws and alarms are false in at most "
        "5 %, 1 when not, 2 on bad input.",
    )
    selftest.add_argument(
        "--fault", action="append", default=[], metavar="NAME", help="only this one (repeatable)"
    )
    selftest.add_argument("--draws", type=int, default=200, help="a fault (default: 200)")
    selftest.add_argument("--json", action="store_true", help="print a JSON object")
    selftest.set_defaults(run=_selftest)

    store = commands.add_parser(
        "store",
        help="look after the stored images",
        description="Counts, checks and cleans the content-addressed store of images.",
    )
    store.set_defaults(run=_store)
    add_store_arguments(store)

    report = commands.add_parser(
        "report",
        help="print the last report, for people or CI",
        description="Prints what the last `imgassets validate` found, as HTML, Markdown (fit for "
        "a pull request comment), JUnit XML or JSON. Makes nothing. Exit 0 when every verdict in "
        "it is GO, 1 when one is not, 2 when there is no report yet.",
    )
    report.set_defaults(run=_report)
    add_report_arguments(report)

    docs = commands.add_parser(
        "docs",
        help="build Great Expectations' Data Docs",
        description="Builds Data Docs from the contracts' expectations, held against the tables "
        "made last. The pages need no network. Exit 2 when there is no table yet.",
    )
    docs.add_argument(
        "--out", type=Path, metavar="DIR", help="default: docs/ beside everything made"
    )
    docs.set_defaults(run=_docs)

    paid = commands.add_parser(
        "paid",
        help="what hosted models have cost",
        description="Tells what was, or may have been, billed for hosted models, and how it ended.",
    )
    paid.set_defaults(run=_paid)
    paid.add_argument("--json", action="store_true", help="print a JSON object")

    ui = commands.add_parser(
        "ui",
        help="open the Dagster UI on loopback",
        description="Serves lineage, checks, contact sheets and the materialize buttons on "
        "http://127.0.0.1:PORT.",
    )
    ui.add_argument("--port", type=_port, default=3000, help="1024 to 65535; default: 3000")
    ui.set_defaults(run=_ui)
    return parser


def _add_taking_in(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "input", nargs="+", metavar="INPUT", help="an image file; - reads paths from standard input"
    )
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if missing")
    command.add_argument(
        "--contract",
        type=Path,
        metavar="FILE",
        help="an endpoint contract; its `accepts` says what is taken in and how it is converted "
        "(without one: every format, by the defaults in docs/inputs.md)",
    )
    command.add_argument("--json", action="store_true", help="print a JSON object")


if __name__ == "__main__":
    entry()
