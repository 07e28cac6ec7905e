"""`imgassets store move-journal`."""

from __future__ import annotations

from imgassets.cli.options import OK, Json, show
from imgassets.documents.environment import PlaceError
from imgassets.documents.project import find_root
from imgassets.storage.database import DATABASE, database_of
from imgassets.storage.ownership import ready_home


def move_journal(json: Json = False) -> int:
    """Move the journal of paid requests into Postgres.

    Copies every entry of .imgassets/paid/journal.sqlite into the database of $IMGASSETS_DATABASE,
    then renames the file to journal.sqlite.moved. Do it once, on the machine that has the file,
    before the first run on Postgres; other machines find what was paid for in the database. If it
    is interrupted, run it again: nothing is copied twice.
    """
    from imgassets.backends.journal_move import move

    database = database_of()
    if database is None:
        raise PlaceError(f"set ${DATABASE} to the database that the journal is to be moved to")
    moved = move(ready_home(find_root()).paid, database)
    text = f"{moved.entries} entries are in {database.shown}; the file is kept as {moved.kept}"
    show(json, {"entries": moved.entries, "kept": str(moved.kept)}, text)
    return OK
