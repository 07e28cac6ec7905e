"""`imgassets store`: the work is done in `imgassets.storage.maintenance`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from imgassets.cli.move_journal import move_journal
from imgassets.cli.options import NOT_OK, OK, Json, show
from imgassets.documents.project import find_root
from imgassets.storage.ownership import own_home

if TYPE_CHECKING:  # reading tables and images takes half a second to import; commands do it
    from imgassets.storage.image_store import ImageStore
    from imgassets.storage.project_home import ProjectHome

_DAY = 24 * 3600.0

app = typer.Typer(help="Look after the stored images.", rich_markup_mode=None)
app.command("move-journal")(move_journal)


def _store() -> tuple[ImageStore, ProjectHome]:
    from imgassets.storage.image_store import store_of

    home = own_home(find_root())
    return store_of(home), home


@app.command()
def stats(json: Json = False) -> int:
    """Count images and bytes.

    Tells how many images there are of each flow, how large they are, and what is in quarantine.
    """
    from imgassets.storage import maintenance

    found = maintenance.stats(_store()[0])
    flows = ", ".join(f"{n} {flow}" for flow, n in sorted(found.by_flow.items()))
    lines = [
        f"{found.images} image(s), {_mebibytes(found.bytes)}" + (f": {flows}" if flows else ""),
        f"{found.unreadable} without a readable record; {found.leftovers} unfinished write(s)",
        _quarantine(found.quarantined),
    ]
    show(json, found.to_dict(), "\n".join(lines))
    return OK


@app.command()
def verify(json: Json = False) -> int:
    """Check every image and every score by its hash.

    Harmed images go to quarantine, harmed scores are deleted; exit 1 if there are any.
    """
    from imgassets.storage import maintenance
    from imgassets.storage.score_store import score_store_of

    store, home = _store()
    found = maintenance.verify(store)
    scores, harmed = score_store_of(home).verify()
    lines = [f"harmed, moved to quarantine: {key}" for key in found.harmed]
    lines.append(f"{found.images} image(s) checked, {len(found.harmed)} harmed")
    lines.append(f"{scores} score(s) checked, {harmed} harmed")
    if found.harmed or harmed:
        lines.append("run `imgassets validate` to make them again")
    told = found.to_dict() | {"scores": scores, "harmed_scores": harmed}
    show(json, told, "\n".join([*lines, _quarantine(found.quarantined)]))
    return NOT_OK if found.harmed or harmed else OK


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    older_than: Annotated[
        float,
        typer.Option(
            metavar="DAYS",
            help="Leave younger images alone, a run may be about to use them.",
        ),
    ] = 1.0,
    json: Json = False,
) -> int:
    """Delete images that nothing refers to.

    Those are images that no table, report, baseline or verdict names. Their scores go as well. In
    object storage, many small batches of scores are put together to a few large ones.
    """
    from imgassets.storage import maintenance
    from imgassets.storage.score_store import score_store_of
    from imgassets.storage.shared_files import SharedFiles

    store, home = _store()
    SharedFiles.of(home).pull()  # what tables of other machines name is kept as well
    found = maintenance.garbage(store, home, older_than=older_than * _DAY)
    scores = score_store_of(home)
    if not dry_run:
        scores.forget(found.images)  # first: an image without scores is no harm
        maintenance.delete(store, found)
    batches, fewer = scores.put_together(dry_run=dry_run)
    verb = "would be deleted" if dry_run else "deleted"
    told = found.to_dict()
    text = (
        f"{len(found.images)} image(s) {verb}, {_mebibytes(found.bytes)}; "
        f"{told['leftovers']} unfinished write(s) {verb}; {found.kept} image(s) kept"
    )
    if batches:
        became = "would be put together" if dry_run else f"put together to {fewer}"
        text += f"; {batches} batches of scores {became}"
    told |= {"score_batches": batches, "score_batches_made": fewer, "deleted": not dry_run}
    show(json, told, text)
    return OK


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _quarantine(names: tuple[str, ...]) -> str:
    return f"quarantine: {len(names)} image(s)" + "".join(f"\n  {name}" for name in names)
