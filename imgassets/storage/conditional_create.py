"""Whether a server keeps the promise that the store is built on: of several that create an object
at once, exactly one succeeds. Some servers, and older versions of others, let all of them win.
"""

from __future__ import annotations

import uuid

from imgassets.storage.entries import StoreError
from imgassets.storage.object_place import ObjectPlace, in_threads

_WRITERS = 6


def check_promise(place: ObjectPlace) -> None:
    """Let several create the same object, and one more afterwards.

    Raises:
        StoreError: not exactly one of them was let, or another one's bytes are there.
    """
    name = f"probe/{uuid.uuid4().hex}"
    bodies = [b"%d" % number for number in range(_WRITERS)]
    won = in_threads(lambda body: place.create(name, body), bodies)
    late = place.create(name, b"late")
    winners = [body for body, one in zip(bodies, won, strict=True) if one]
    kept = place.read(name)
    place.delete([name])
    # Nobody may have been told: where an answer was lost, the second try finds the first one's.
    if late or len(winners) > 1 or kept not in (winners or bodies):
        told = len(winners) + late
        raise StoreError(
            f"image store {place.url}: {told} of {_WRITERS + 1} writers were told that they had "
            "created the same object, so images could replace each other; use a server that knows "
            "If-None-Match on PUT (docs/object-storage.md lists those that were tried)"
        )
