"""`imgassets rollout`: a swap in stages behind a flag. One file for each group of its commands."""

from __future__ import annotations

import typer

from imgassets.cli import (
    rollout_back,
    rollout_forward,
    rollout_serve,
    rollout_views,
    rollout_watch,
)

app = typer.Typer(
    help="Swap a model in stages behind a flag, and take it back at once.",
    epilog="Flags are in rollout/flags.json of the project, in flagd's format, for any OpenFeature "
    "SDK (docs/flags.md); rollout/history.jsonl tells who changed what and why. Steps forward need "
    "open gates; `revert` needs nothing but the folder (docs/rollout.md).",
    rich_markup_mode=None,
)
for command in (
    rollout_forward.start,
    rollout_forward.promote,
    rollout_views.status,
    rollout_back.freeze,
    rollout_back.unfreeze,
    rollout_back.revert,
    rollout_views.history,
    rollout_views.verify,
    rollout_serve.serve,
    rollout_watch.outcomes,
    rollout_watch.watch,
):
    app.command()(command)
