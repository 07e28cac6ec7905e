"""The `imgassets` command: which commands there are, and what becomes of errors."""

from __future__ import annotations

import gc
import logging
import sys
import warnings
from collections.abc import Callable, Sequence

import typer

from imgassets.cli import store
from imgassets.cli.check import check
from imgassets.cli.decide import decide
from imgassets.cli.docs import docs
from imgassets.cli.normalize import normalize
from imgassets.cli.options import BAD_INPUT, OK, complain
from imgassets.cli.paid import paid
from imgassets.cli.plan import plan
from imgassets.cli.report import report
from imgassets.cli.reproduce import reproduce
from imgassets.cli.score import score
from imgassets.cli.selftest import selftest
from imgassets.cli.ui import ui
from imgassets.cli.upscale import upscale
from imgassets.cli.validate import validate
from imgassets.documents.problems import InvalidDocumentsError

_INTERRUPTED = 130
#: In the order of `imgassets --help`.
_COMMANDS: tuple[Callable[..., int], ...] = (
    check,
    plan,
    validate,
    decide,
    score,
    normalize,
    upscale,
    reproduce,
    selftest,
    report,
    docs,
    paid,
    ui,
)

app = typer.Typer(
    help="Turns the swap of an image model into a decision that can be defended.",
    epilog="A project is a folder with contracts/ and prompts/: the one you stand in, or "
    "$IMGASSETS_PROJECT. Everything made is kept in its .imgassets/ (or $IMGASSETS_HOME). Exit "
    "codes: 0 all is well, 1 something is not (a verdict that is no GO, a document, an image), 2 "
    "bad input or a run that could not finish.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(store.app, name="store")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    _keep_quiet()
    try:
        given = sys.argv[1:] if arguments is None else list(arguments)
        code = app(given or ["--help"], prog_name="imgassets", standalone_mode=False)
    except typer.TyperException as error:
        complain(f"{error.format_message()} (see `imgassets --help`)")
    except InvalidDocumentsError as error:
        complain(f"{len(error.problems)} problem(s) in the documents:\n{error}")
    except (LookupError, ValueError, OSError, RuntimeError) as error:
        complain(str(error.args[0] if isinstance(error, LookupError) and error.args else error))
    else:
        if code != _INTERRUPTED:
            return code or OK
        complain("interrupted; finished images are kept, run again to go on")
    return BAD_INPUT


def entry() -> None:
    """The console script."""
    # Looking for garbage takes a third of a short command's life: while modules are imported, and
    # through all of them once more at the end.
    gc.set_threshold(200_000, 50, 50)
    code = main()
    gc.freeze()
    sys.exit(code)


def _keep_quiet() -> None:
    """No notices of libraries that users cannot act on."""
    warnings.simplefilter("ignore")
    logging.captureWarnings(True)


if __name__ == "__main__":
    entry()
