"""`imgassets store`: arguments and words; the work is done in `imgassets.storage.maintenance`."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from imgassets.storage.project_home import ProjectHome

if TYPE_CHECKING:  # reading tables and images takes half a second to import; commands do it
    from imgassets.storage.image_store import ImageStore

_DAY = 24 * 3600.0


def add_arguments(store: argparse.ArgumentParser) -> None:
    """Add the three commands; each sets `care`, a function of (store, home, arguments)."""
    commands = store.add_subparsers(required=True, metavar="COMMAND")
    told = {
        "stats": "how many images there are, how large they are, and what is in quarantine",
        "verify": "check every image by its hash; harmed ones go to quarantine (exit 1 if any)",
        "gc": "delete images that no table, report, baseline or verdict refers to",
    }
    for (name, what), act in zip(told.items(), (_stats, _verify, _gc), strict=True):
        command = commands.add_parser(name, help=what, description=f"{what.capitalize()}.")
        command.add_argument("--json", action="store_true", help="print a JSON object")
        command.set_defaults(care=act)
        if name == "gc":
            command.add_argument("--dry-run", action="store_true", help="only say what would go")
            command.add_argument(
                "--older-than",
                type=float,
                default=1.0,
                metavar="DAYS",
                help="leave younger images alone, a run may be about to use them; default: 1",
            )


def run(arguments: argparse.Namespace, home: ProjectHome) -> tuple[str, bool]:
    """What to print, and whether all is well."""
    from imgassets.storage.image_store import ImageStore

    return arguments.care(ImageStore(home.images), home, arguments)


def _stats(store: ImageStore, _: ProjectHome, arguments: argparse.Namespace) -> tuple[str, bool]:
    from imgassets.storage import maintenance

    found = maintenance.stats(store)
    if arguments.json:
        return json.dumps(found.to_dict(), indent=2), True
    flows = ", ".join(f"{n} {flow}" for flow, n in sorted(found.by_flow.items()))
    return "\n".join(
        [
            f"{found.images} image(s), {_mebibytes(found.bytes)}" + (f": {flows}" if flows else ""),
            f"{found.unreadable} without a readable record; {found.leftovers} unfinished write(s)",
            _quarantine(found.quarantined),
        ]
    ), True


def _verify(store: ImageStore, _: ProjectHome, arguments: argparse.Namespace) -> tuple[str, bool]:
    from imgassets.storage import maintenance

    found = maintenance.verify(store)
    well = not found.harmed
    if arguments.json:
        return json.dumps(found.to_dict(), indent=2), well
    lines = [f"harmed, moved to quarantine: {key}" for key in found.harmed]
    lines.append(f"{found.images} image(s) checked, {len(found.harmed)} harmed")
    if not well:
        lines.append("run `imgassets validate` to make them again")
    return "\n".join([*lines, _quarantine(found.quarantined)]), well


def _gc(store: ImageStore, home: ProjectHome, arguments: argparse.Namespace) -> tuple[str, bool]:
    from imgassets.storage import maintenance

    found = maintenance.garbage(store, home, older_than=arguments.older_than * _DAY)
    if not arguments.dry_run:
        maintenance.delete(store, found)
    if arguments.json:
        return json.dumps(found.to_dict() | {"deleted": not arguments.dry_run}, indent=2), True
    verb = "would be deleted" if arguments.dry_run else "deleted"
    return (
        f"{len(found.images)} image(s) {verb}, {_mebibytes(found.bytes)}; "
        f"{len(found.leftovers)} unfinished write(s) {verb}; {found.kept} image(s) kept"
    ), True


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _quarantine(names: tuple[str, ...]) -> str:
    return f"quarantine: {len(names)} image(s)" + "".join(f"\n  {name}" for name in names)
