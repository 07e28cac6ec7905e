"""The `imgassets` command: which commands there are, and what becomes of errors."""

from __future__ import annotations

import gc
import logging
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from imgassets.cli.closed_pipes import forgive_closed_pipes

if TYPE_CHECKING:
    from typer import Typer

_INTERRUPTED = 130
#: Modules of `imgassets.cli`, each with a function of its name (or, for commands of several words,
#: an `app`), in the order of `imgassets --help`.
_COMMANDS = (
    "init",
    "check",
    "schema",
    "plan",
    "validate",
    "compare",
    "decide",
    "label-sample",
    "prompts",
    "score",
    "calibrate",
    "normalize",
    "upscale",
    "reproduce",
    "selftest",
    "report",
    "review",
    "docs",
    "paid",
    "rollout",
    "serve",
    "pilot",
    "store",
    "ui",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    from typer import TyperException

    from imgassets.cli.options import BAD_INPUT, OK, complain
    from imgassets.documents.problems import InvalidDocumentsError
    from imgassets.storage.database import failure_behind

    _keep_quiet()
    given = (sys.argv[1:] if arguments is None else list(arguments)) or ["--help"]
    try:
        code = _app(given[0])(given, prog_name="imgassets", standalone_mode=False)
    except TyperException as error:
        complain(f"{error.format_message()} (see `imgassets --help`)")
    except InvalidDocumentsError as error:
        complain(f"{len(error.problems)} problem(s) in the documents:\n{error}")
    except (LookupError, ValueError, OSError, RuntimeError) as error:
        complain(str(error.args[0] if isinstance(error, LookupError) and error.args else error))
    except Exception as error:  # of any class, where Dagster could not write to its database
        behind = failure_behind(error)
        if behind is None:
            raise
        complain(str(behind))
    else:
        if code != _INTERRUPTED:
            return code or OK
        complain("interrupted; finished images are kept, run again to go on")
    return BAD_INPUT


def _app(asked: str) -> Typer:
    """The application; of its commands only the one asked for, where there is such a one.

    Reading the arguments of all takes as long as a tenth of a short command.
    """
    from typer import Typer

    app = Typer(
        help="Turns the swap of an image model into a decision that can be defended.",
        epilog="A project is a folder with contracts/ and prompts/: the one you stand in, or "
        "$IMGASSETS_PROJECT. Everything made is kept in its .imgassets/ (or $IMGASSETS_HOME). Exit "
        "codes: 0 all is well, 1 something is not (a verdict that is no GO, a document, an "
        "image), 2 bad input or a run that could not finish.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_together)
    for name in [asked] if asked in _COMMANDS else _COMMANDS:
        attribute = name.replace("-", "_")
        module = import_module(f"imgassets.cli.{attribute}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, attribute))
    return app


def _together() -> None:
    """Lets a command be named also where it is the only one that was read."""


def entry() -> None:
    """The console script."""
    # Looking for garbage takes a third of a short command's life: while modules are imported, and
    # through all of them once more at the end.
    gc.set_threshold(200_000, 50, 50)
    forgive_closed_pipes()
    code = main()
    gc.freeze()
    sys.exit(code)


def _keep_quiet() -> None:
    """No notices of libraries that users cannot act on."""
    warnings.simplefilter("ignore")
    logging.captureWarnings(True)


if __name__ == "__main__":
    entry()
