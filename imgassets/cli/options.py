"""What the `imgassets` command can be told: one function a command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from imgassets.cli.decide import add_arguments as add_decide_arguments
from imgassets.cli.report import add_arguments as add_report_arguments
from imgassets.cli.store import add_arguments as add_store_arguments

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def parser() -> argparse.ArgumentParser:
    """The parser; `command` of what it returns is the command's name."""
    whole = argparse.ArgumentParser(
        prog="imgassets",
        description="Turns the swap of an image model into a decision that can be defended.",
        epilog="A project is a folder with contracts/ and prompts/: the one you stand in, or "
        "$IMGASSETS_PROJECT. Everything made is kept in its .imgassets/ (or $IMGASSETS_HOME).",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for add in (
        _check,
        _plan,
        _validate,
        add_decide_arguments,
        _score,
        _normalize,
        _upscale,
        _reproduce,
        _selftest,
        _store,
        _report,
        _docs,
        _paid,
        _ui,
    ):
        add(commands)
    return whole


def _check(commands: _Commands) -> None:
    check = commands.add_parser(
        "check",
        help="validate contracts, models and prompt sets",
        description="Prints every problem as FILE:LINE: FIELD: what is wrong [fix: how to mend "
        "it]. Exit 1 if there is any. Loads no model.",
    )
    check.add_argument("--json", action="store_true", help="print a JSON list of problems")


def _plan(commands: _Commands) -> None:
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


def _validate(commands: _Commands) -> None:
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


def _score(commands: _Commands) -> None:
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


def _normalize(commands: _Commands) -> None:
    normalize = commands.add_parser(
        "normalize",
        help="make images from outside safe and uniform, or refuse them",
        description="Writes every image as upright 8-bit sRGB PNG without metadata, or says why "
        "not. No input and no existing file is changed. Exit 1 if any image was refused; see "
        "docs/inputs.md for the rules.",
    )
    _add_taking_in(normalize)


def _upscale(commands: _Commands) -> None:
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


def _reproduce(commands: _Commands) -> None:
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
    reproduce.add_argument(
        "--seed",
        type=int,
        metavar="S",
        help="0 to 18446744073709551615, hosted models up to 2147483647",
    )
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


def _selftest(commands: _Commands) -> None:
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


def _store(commands: _Commands) -> None:
    store = commands.add_parser(
        "store",
        help="look after the stored images",
        description="Counts, checks and cleans the content-addressed store of images.",
    )
    add_store_arguments(store)


def _report(commands: _Commands) -> None:
    report = commands.add_parser(
        "report",
        help="print the last report, for people or CI",
        description="Prints what the last `imgassets validate` found, as HTML, Markdown (fit for "
        "a pull request comment), JUnit XML or JSON. Makes nothing. Exit 0 when every verdict in "
        "it is GO, 1 when one is not, 2 when there is no report yet.",
    )
    add_report_arguments(report)


def _docs(commands: _Commands) -> None:
    docs = commands.add_parser(
        "docs",
        help="build Great Expectations' Data Docs",
        description="Builds Data Docs from the contracts' expectations, held against the tables "
        "made last. The pages need no network. Exit 2 when there is no table yet.",
    )
    docs.add_argument(
        "--out", type=Path, metavar="DIR", help="default: docs/ beside everything made"
    )


def _paid(commands: _Commands) -> None:
    paid = commands.add_parser(
        "paid",
        help="what hosted models have cost",
        description="Tells what was, or may have been, billed for hosted models, and how it ended.",
    )
    paid.add_argument("--json", action="store_true", help="print a JSON object")


def _ui(commands: _Commands) -> None:
    ui = commands.add_parser(
        "ui",
        help="open the Dagster UI on loopback",
        description="Serves lineage, checks, contact sheets and the materialize buttons on "
        "http://127.0.0.1:PORT.",
    )
    ui.add_argument("--port", type=_port, default=3000, help="1024 to 65535; default: 3000")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; give a number from 1024 to 65535")
    return int(text)


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
