"""`imgassets plan`."""

from __future__ import annotations

from imgassets.cli.options import OK, Device, DeviceWord, Endpoints, Json, show, valid_project


def plan(endpoint: Endpoints = [], device: Device = DeviceWord.AUTO, json: Json = False) -> int:
    """Say what validate would do, why, and what it would cost.

    Lists what is out of date with the document, field or code version that changed, the images the
    store lacks, and their estimated seconds and USD from measured costs. Loads no model and changes
    nothing. Exit 0.
    """
    project = valid_project()
    from imgassets.refresh import execute
    from imgassets.refresh.plan_text import plan_in_words

    with execute.open_instance(project.root) as instance:
        found = execute.plan(project, instance, execute.Selection(tuple(endpoint)), device)
    show(json, found.to_dict(), plan_in_words(found))
    return OK
