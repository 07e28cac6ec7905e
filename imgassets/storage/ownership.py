"""Whose a project's home is: made when it is needed, marked, and refused to other projects."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import tempfile
from pathlib import Path

from filelock import FileLock

from imgassets.documents.environment import PlaceError, folder_in
from imgassets.storage.project_home import ProjectHome, home_of
from imgassets.storage.whole_file import write_whole

#: Names the projects that a folder belongs to, one a line.
_MARK = ".imgassets-project"
#: Characters that Dagster's database URLs and Great Expectations' settings take for something else:
#: a path with one of them would open another file.
_MISREAD = "?%#$"


def own_home(root: Path) -> ProjectHome:
    """A project's home, for commands that only read; writes nothing.

    Raises:
        PlaceError: it is another project's.
    """
    home = home_of(root)
    _is_known(home.folder, root, _named())
    return home


def made_for(root: Path) -> Path | None:
    """The project that a home was last used by, where that was another one; None where it is ours.

    A copied or moved project brings what another one made.
    """
    folder, ours = home_of(root).folder, root.resolve()
    known = _marked(folder)
    return known[-1] if known and ours not in known else None


def ready_home(root: Path) -> ProjectHome:
    """A project's home, made and ready to be written to, and this project's.

    Raises:
        PlaceError: it cannot be made or written to, is another project's, or has a path that is no
            UTF-8, in which tables cannot be written.
    """
    home, named = home_of(root), _named()
    for path in (root, home.folder):
        _refuse_broken_text(path)
    _make(home.folder, named)
    _settle(home.folder, root, named)
    _give_user_a_home(home)
    return home


def ready_dagster_home(root: Path) -> Path:
    """Dagster's own folder for the project: `$DAGSTER_HOME` where it is set, else in the home.

    Raises:
        PlaceError: as of `ready_home`; or it holds runs of somebody else.
    """
    home = ready_home(root)
    named = folder_in("DAGSTER_HOME")
    if named is None:
        _make(home.dagster, "the folder of Dagster's runs")
        return _readable_by_dagster(home.dagster)
    _make(named, "$DAGSTER_HOME")
    if _is_ours(named, home):
        return _readable_by_dagster(named)
    strangers = any(p.name != opening_lock(named).name for p in named.iterdir())
    strangers = strangers and not (named / _MARK).exists()
    if strangers:
        raise PlaceError(
            f"$DAGSTER_HOME is {named}, which holds runs that are not this project's; unset it, or "
            f"write {root} into {named / _MARK} to keep this project's runs there as well"
        )
    _settle(named, root, "$DAGSTER_HOME")
    return _readable_by_dagster(named)


def opening_lock(folder: Path) -> Path:
    """The lock of a folder that several processes may be the first to use."""
    return folder / ".opening.lock"


def _named() -> str:
    return "$IMGASSETS_HOME" if "IMGASSETS_HOME" in os.environ else "the project's .imgassets"


def _refuse_broken_text(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise PlaceError(
            f"the path {str(path)!a} is not UTF-8, and tables cannot be written there; rename "
            "the folder (convmv -f latin1 -t utf8 does it for whole trees)"
        ) from error


def _is_ours(folder: Path, home: ProjectHome) -> bool:
    """Whether a folder is where this project's runs are kept anyway, by whatever path."""
    return folder == home.dagster.resolve() or folder.is_relative_to(home.folder.resolve())


def _make(folder: Path, named: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise PlaceError(f"{named} is {folder}, which cannot be written to: {why}") from error


def _settle(folder: Path, root: Path, named: str) -> None:
    """Mark a folder as this project's, unless it is another's that is still there."""
    with FileLock(opening_lock(folder)):  # several processes may be a project's first
        _settle_alone(folder, root, named)


def _settle_alone(folder: Path, root: Path, named: str) -> None:
    if not _is_known(folder, root, named):
        line = str(root.resolve())
        if not line.isprintable():  # a line feed, for one; as JSON it begins with a quote
            line = json.dumps(line)
        write_whole(folder / _MARK, line + "\n")  # a moved project, or a new one


def _is_known(folder: Path, root: Path, named: str) -> bool:
    """Whether a folder is marked as this project's.

    Raises:
        PlaceError: it is another's that is still there.
    """
    known, ours = _marked(folder), root.resolve()
    if ours in known:
        return True
    inside = folder.resolve().is_relative_to(ours)  # a copied project brings its own
    others = [path for path in known if (path / "contracts").is_dir()]
    if others and not inside:
        raise PlaceError(
            f"{named} is {folder}, which is kept for the project {others[0]}; give each project a "
            "folder of its own"
        )
    return False


def _marked(folder: Path) -> list[Path]:
    """The projects that a folder is marked with."""
    mark = folder / _MARK
    lines = mark.read_text(encoding="utf-8").splitlines() if mark.exists() else []
    return [Path(json.loads(line) if line.startswith('"') else line) for line in lines]


def _give_user_a_home(home: ProjectHome) -> None:
    """Libraries ask for the user's folder; in a container there may be none."""
    if "HOME" in os.environ:
        return
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        _make(home.user, "the folder for a user without one")
        os.environ["HOME"] = str(home.user)


def _readable_by_dagster(folder: Path) -> Path:
    """The folder by a path that Dagster's database URLs read as it stands.

    A link in the temporary folder where the path has characters they take for something else.
    """
    if not set(str(folder)) & set(_MISREAD):
        return folder
    links = plain_temporary_folder() / f"imgassets-{os.getuid()}"
    links.mkdir(mode=0o700, exist_ok=True)
    if links.stat().st_uid != os.getuid():
        raise PlaceError(f"{links} is somebody else's; remove it, or set $TMPDIR")
    link = links / hashlib.sha256(str(folder).encode()).hexdigest()[:32]
    if link.is_symlink() and link.readlink() != folder:
        link.unlink()
    if not link.is_symlink():
        link.symlink_to(folder, target_is_directory=True)
    return link


def plain_temporary_folder() -> Path:
    """The temporary folder, whose path every library reads as it stands.

    Raises:
        PlaceError: it has a character that some would take for something else.
    """
    folder = Path(tempfile.gettempdir())
    misread = sorted(set(str(folder)) & set(_MISREAD))
    if misread:
        raise PlaceError(
            f"the temporary folder is {folder}, and its {misread[0]!r} would be misread; set "
            "$TMPDIR to a folder without it"
        )
    return folder
