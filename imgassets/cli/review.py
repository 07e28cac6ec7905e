"""`imgassets review`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from imgassets.cli.options import HOST, OK, complain, valid_project
from imgassets.documents.answers import AnswerFile

if TYPE_CHECKING:
    from imgassets.documents.project import Project
    from imgassets.review.desk import Desk
    from imgassets.review.session import Session


def review(
    endpoint: Annotated[str, typer.Option(metavar="E", help="Whose images.")],
    model: Annotated[str, typer.Option(metavar="M", help="The candidate that people judge.")],
    pairs: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Drawn at random. Default: as many as are enough."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Another one draws others.")] = 0,
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On 127.0.0.1.")] = 8410,
    who: Annotated[
        str, typer.Option(metavar="NAME", help="Puts a name into the address; else it asks.")
    ] = "",
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only say what there is, and who answered how much.")
    ] = False,
) -> int:
    """Show pairs of images to people, and keep what they say.

    Serves a page on 127.0.0.1: the pairs that the last verdict points at, and a random sample of
    all pairs. Nobody is told which model made which image. Answers go to reviews/ENDPOINT.jsonl;
    several people may answer at once, each under a name. The next `imgassets validate` judges with
    them. Makes no image. Ends by Ctrl-C.
    """
    from imgassets.review.session import open_session

    project = valid_project()
    session = open_session(project, endpoint, model, pairs, seed)
    print("\n".join(session.words))
    _warn_if_outdated(project, endpoint, model)
    if status:
        _tell(session.desk, session.desk.answered(), session.answers.read())
        return OK
    address = session.address(HOST, port, who)
    print(f"open {address}\nit ends by Ctrl-C; every answer is saved at once", flush=True)
    before = session.desk.answered()
    _serve(session, port, address if open_ else "")
    _tell(session.desk, before, session.answers.read())
    return OK


def _serve(session: Session, port: int, address: str) -> None:
    import threading
    import webbrowser

    import uvicorn

    from imgassets.cli.ui import refuse_taken
    from imgassets.review.server import application

    refuse_taken(port)
    if address:
        threading.Timer(1.0, webbrowser.open, [address]).start()
    app = application(session.desk, session.token)
    with suppress(KeyboardInterrupt):  # how it ends
        uvicorn.run(
            app, host=HOST, port=port, log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=3,
        )  # fmt: skip


def _warn_if_outdated(project: Project, endpoint: str, model: str) -> None:
    """Nobody should look at images that the next verdict will not be about."""
    from imgassets.defs.outdated import outdated_images
    from imgassets.refresh.dagster_runs import open_instance

    models = dict.fromkeys((project.endpoint(endpoint).incumbent, model))
    with open_instance(project.root) as instance:
        found = outdated_images(project, instance, endpoint, models)
    for table, why in found.items():
        complain(f"warning: {table} is out of date: {why}")
    if found:
        complain(
            "answers on images that are made anew will not count; run "
            f"`imgassets validate --endpoint {endpoint}` first"
        )


def _tell(desk: Desk, before: dict[str, int], file: AnswerFile) -> None:
    """How much was answered, and what comes next."""
    whole = len(desk.deck.pairs)
    for who, count in desk.answered().items():
        new = count - before.get(who, 0)
        now = f", {new} of them now" if new else ""
        complain(f"{who} answered {count} of {whole} pairs{now}")
    if not desk.answered():
        complain("nobody answered; the same command goes on")
        return
    print(f"{file.file}: {len(file.counted)} answers that count")
    print(f"next: imgassets validate --endpoint {desk.deck.endpoint}")
