"""`imgassets plan`."""

from __future__ import annotations

import time

from imgassets.cli.options import OK, Device, DeviceWord, Endpoints, Json, show, valid_project


def plan(endpoint: Endpoints = [], device: Device = DeviceWord.AUTO, json: Json = False) -> int:
    """Say what validate would do, why, and what it would cost.

    Lists what is out of date with the document, field or code version that changed, the images the
    store lacks with their estimated seconds and USD from measured costs, and how many images each
    metric family is to look at. Loads no model and changes nothing. Exit 0.
    """
    project = valid_project()
    import psutil

    from imgassets.defs import headless
    from imgassets.refresh.dagster_runs import open_instance
    from imgassets.refresh.estimate import pace_of
    from imgassets.refresh.plan_text import plan_in_words
    from imgassets.refresh.selection import Selection

    pace = pace_of(time.time() - psutil.Process().create_time())
    with open_instance(project.root) as instance:
        found = headless.plan(project, instance, Selection(tuple(endpoint)), device, pace)
    show(json, found.to_dict(), plan_in_words(found))
    return OK
