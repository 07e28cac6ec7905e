"""The `imgassets` command. Thin: it reads arguments, calls one function, prints, and exits.

Exit codes: 0 all is well (every verdict is GO), 1 something is not (a verdict, a document, an
image), 2 bad input or a run that could not finish.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imgassets.cli.arguments import parser
from imgassets.documents.problems import InvalidDocumentsError
from imgassets.documents.project import Project, find_root, load_project, to_json

if TYPE_CHECKING:
    from imgassets.cli.normalize import TakenIn

OK, NOT_OK, BAD_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parsed = parser().parse_args(arguments)
    _keep_quiet()
    try:
        return _COMMANDS[parsed.command](parsed)
    except InvalidDocumentsError as error:
        _fail(f"{len(error.problems)} problem(s) in the documents:\n{error}")
    except (LookupError, ValueError, OSError, RuntimeError) as error:
        _fail(str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error))
    except KeyboardInterrupt:
        _fail("interrupted; finished images are kept, run again to go on")
    return BAD_INPUT


def entry() -> None:
    """The console script."""
    # Looking for garbage takes a third of a short command's life: while modules are imported, and
    # through all of them once more at the end.
    gc.set_threshold(200_000, 50, 50)
    code = main()
    gc.freeze()
    sys.exit(code)


def _fail(message: str) -> None:
    print(f"imgassets: {message}", file=sys.stderr)


def _keep_quiet() -> None:
    """No notices of libraries that users cannot act on."""
    warnings.simplefilter("ignore")
    logging.captureWarnings(True)


# ---- commands ------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    from imgassets.documents import prompt_syntax, scale_ends
    from imgassets.judges.vocabulary import unknown_words

    project = load_project()
    problems = [*project.problems, *unknown_words(project)]
    for hint in (*prompt_syntax.hints(project), *scale_ends.hints(project)):
        print(f"hint: {hint}", file=sys.stderr)
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
    from imgassets.refresh.execute import Selection, open_instance, plan
    from imgassets.refresh.plan_text import plan_in_words

    with open_instance(project.root) as instance:
        found = plan(project, instance, Selection(tuple(arguments.endpoint)), arguments.device)
    print(json.dumps(found.to_dict(), indent=2) if arguments.json else plan_in_words(found))
    return OK


def _valid_project() -> Project:
    from imgassets.judges.vocabulary import unknown_words

    project = load_project()
    problems = [*project.problems, *unknown_words(project)]
    if problems:
        raise InvalidDocumentsError(problems)
    return project


def _validate(arguments: argparse.Namespace) -> int:
    project = _valid_project()
    from imgassets.refresh.document_changes import changed_meanwhile
    from imgassets.refresh.execute import (
        Selection,
        forget_more,
        open_instance,
        validate,
        validate_with_more,
    )
    from imgassets.storage.project_home import home_of

    selection = Selection(tuple(arguments.endpoint), tuple(arguments.model))
    if arguments.no_more:
        forget_more(project, selection)
    with open_instance(project.root) as instance:
        if arguments.more:
            verdicts, told = validate_with_more(project, instance, selection, arguments.device)
            print(*told or ["--more: no verdict is INCONCLUSIVE"], sep="\n", file=sys.stderr)
        else:
            verdicts = validate(project, instance, selection, arguments.device)
    changed = changed_meanwhile(project, load_project(project.root))
    if changed:
        _fail(f"changed while this ran, so run it again to take it in: {', '.join(changed)}")
    if arguments.json:
        print(json.dumps([v.to_dict() for v in verdicts], indent=2))
    else:
        from imgassets.report.table import verdict_table

        print(verdict_table(verdicts))
        # Reports tell of all models, so some models alone leave them as they were.
        for endpoint in [] if selection.models else dict.fromkeys(v.endpoint for v in verdicts):
            report = home_of(project.root).output((endpoint, "report"))
            if report.exists():
                print(f"report: {report}")
        print("lineage: imgassets ui   (then open http://127.0.0.1:3000)")
    return OK if all(v.verdict == "GO" for v in verdicts) else NOT_OK


def _decide(arguments: argparse.Namespace) -> int:
    from imgassets.cli.decide import run

    return run(arguments)


def _score(arguments: argparse.Namespace) -> int:
    from imgassets.cli.score import score_folder

    scored = score_folder(arguments.prompts, arguments.images)
    print(json.dumps(scored.to_dict(), indent=2) if arguments.json else scored)
    return OK


def _normalize(arguments: argparse.Namespace) -> int:
    from imgassets.cli.normalize import inputs_of, normalize_files, rules_of

    rules = rules_of(arguments.contract)
    taken = normalize_files(inputs_of(arguments.input, sys.stdin), arguments.out, rules)
    return _print_taken_in(taken, arguments)


def _upscale(arguments: argparse.Namespace) -> int:
    from imgassets.cli.normalize import inputs_of, open_upscaler_of, rules_of, upscale_files

    rules = rules_of(arguments.contract)
    make, scale = open_upscaler_of(_valid_project(), arguments.model, arguments.device)
    inputs = inputs_of(arguments.input, sys.stdin)
    return _print_taken_in(upscale_files(inputs, arguments.out, rules, make, scale), arguments)


def _print_taken_in(taken: TakenIn, arguments: argparse.Namespace) -> int:
    print(json.dumps(taken.to_dict(), indent=2) if arguments.json else taken)
    return NOT_OK if taken.refused else OK


def _reproduce(arguments: argparse.Namespace) -> int:
    from imgassets.cli.reproduce import Asked, reproduce
    from imgassets.storage.ownership import own_home, ready_home

    project = _valid_project()
    home = own_home(project.root) if arguments.out else ready_home(project.root)
    devices = tuple(arguments.device) or ("auto",)
    asked = Asked(arguments.prompt, arguments.runs, arguments.seed, arguments.model, devices)
    found = reproduce(project, asked, home, arguments.out)
    print(json.dumps(found.to_dict(), indent=2) if arguments.json else found)
    return OK if found.same else NOT_OK


def _selftest(arguments: argparse.Namespace) -> int:
    project = _valid_project()
    from imgassets.selftest.catalogue import all_faults
    from imgassets.selftest.run import SelfTester
    from imgassets.selftest.table import in_words
    from imgassets.storage.ownership import ready_home

    faults = [f for f in all_faults() if not arguments.fault or f.name in arguments.fault]
    unknown = sorted(set(arguments.fault) - {f.name for f in faults})
    if unknown:
        raise LookupError(f"no fault {unknown[0]!r}; there are: {_names(all_faults())}")
    tester = SelfTester(
        project,
        ready_home(project.root),
        draws=arguments.draws,
        progress=lambda text: print(text, file=sys.stderr, flush=True),
    )
    found = tester.run(faults)
    print(json.dumps(found.to_dict(), indent=2) if arguments.json else in_words(found))
    return OK if found.well else NOT_OK


def _names(faults: Sequence[Any]) -> str:
    return ", ".join(dict.fromkeys(f.name for f in faults))


def _store(arguments: argparse.Namespace) -> int:
    from imgassets.cli import store
    from imgassets.storage.ownership import own_home

    text, well = store.run(arguments, own_home(find_root()))
    print(text)
    return OK if well else NOT_OK


def _report(arguments: argparse.Namespace) -> int:
    from imgassets.cli import report
    from imgassets.storage.ownership import own_home

    project = _valid_project()
    text, well = report.run(arguments, project, own_home(project.root))
    print(text)
    return OK if well else NOT_OK


def _docs(arguments: argparse.Namespace) -> int:
    from imgassets.report.data_docs import build_docs
    from imgassets.storage.ownership import own_home

    project = _valid_project()
    home = own_home(project.root)
    print(build_docs(project, home, arguments.out or home.docs))
    return OK


def _paid(arguments: argparse.Namespace) -> int:
    from imgassets.cli import paid
    from imgassets.storage.ownership import own_home

    print(paid.run(arguments, load_project(), own_home(find_root())))
    return OK


def _ui(arguments: argparse.Namespace) -> int:
    from imgassets.cli.ui import start

    return start(find_root(), arguments.port)


_COMMANDS = {
    "check": _check,
    "plan": _plan,
    "validate": _validate,
    "decide": _decide,
    "score": _score,
    "normalize": _normalize,
    "upscale": _upscale,
    "reproduce": _reproduce,
    "selftest": _selftest,
    "store": _store,
    "report": _report,
    "docs": _docs,
    "paid": _paid,
    "ui": _ui,
}


if __name__ == "__main__":
    entry()
