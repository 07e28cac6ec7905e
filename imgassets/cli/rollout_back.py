"""`imgassets rollout revert`, `freeze` and `unfreeze`: none reads a document or asks a gate."""

from __future__ import annotations

from imgassets.cli.options import OK, Json, complain, show
from imgassets.cli.rollout_options import EndpointName, Reason, files_here, step_of


def revert(endpoint: EndpointName, reason: Reason = "", json: Json = False) -> int:
    """Give all users the incumbent again, at once.

    One write that applications see in under 2 s. It needs no gate, no Dagster, no valid contract
    and no weights; it works while frozen, on a full disk, and for anyone who may write
    rollout/flags.json. Done again, it changes nothing. Exit 0 when the incumbent has all users, 2
    when there is no rollout to take back.
    """
    from imgassets.rollout.steps import revert as take_back

    done = take_back(files_here(), step_of(endpoint, reason))
    for note in done.notes:
        complain(note)
    incumbent = done.last.incumbent
    if done.entry is None:
        text = f"{endpoint}: {incumbent} has all users already, since {done.last.at}"
    else:
        text = f"{endpoint}: {incumbent} has all users again; {done.last.candidate} was at stage "
        text += f"{done.last.stage}"
    told = {"reverted": done.entry is not None, "incumbent": incumbent, "notes": list(done.notes)}
    show(json, told, text)
    return OK


def freeze(endpoint: EndpointName, reason: Reason = "") -> int:
    """Let no stage rise until `unfreeze`.

    Users keep the model they have; `revert` still works.
    """
    from imgassets.rollout import steps

    entry = steps.freeze(files_here(), step_of(endpoint, reason))
    print(f"{endpoint}: frozen at stage {entry.stage} by {entry.by}")
    return OK


def unfreeze(endpoint: EndpointName, reason: Reason = "") -> int:
    """Let the stages of a frozen rollout rise again."""
    from imgassets.rollout import steps

    entry = steps.unfreeze(files_here(), step_of(endpoint, reason))
    print(f"{endpoint}: not frozen; stage {entry.stage}")
    return OK
