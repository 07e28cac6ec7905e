"""Flags in flagd's format, as any OpenFeature SDK reads them: one an endpoint.

The comparison is a plain `<` on a bucket that the application passes. flagd's own `fractional` is
not used: its hash differs between releases of its SDKs, so users would change models at an upgrade.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from imgassets.documents.rollout import BUCKETS
from imgassets.rollout.entries import Entry

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
Flags = dict[str, Any]
_MARK = "shadow"


class FlagFileError(ValueError):
    """The file of flags cannot be read; says why."""


def bucket_of(endpoint: str, user: str) -> int:
    """The bucket of a user at an endpoint, 0..9999; applications compute the same (docs/flags.md).

    Args:
        endpoint: its name.
        user: whatever tells users apart and stays the same: an account, a device, a session.
    """
    digest = hashlib.sha256(f"{endpoint}/{user}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def definition(entry: Entry) -> dict[str, Any]:
    """The flag of an endpoint after an entry, which it carries as its metadata.

    At 0 % there is no targeting, so that no bucket whatever gets the candidate. A user without a
    bucket counts as the last one and gets the incumbent.
    """
    variants = {"incumbent": entry.incumbent}
    if entry.running:
        variants["candidate"] = entry.candidate
    flag: dict[str, Any] = {
        "state": "ENABLED",
        "variants": variants,
        "defaultVariant": "incumbent",
    }
    if entry.percent:
        below = {"<": [{"var": ["bucket", BUCKETS]}, round(entry.percent * BUCKETS / 100)]}
        flag["targeting"] = {"if": [below, "candidate", "incumbent"]}
    return flag | {"metadata": {**entry.model_dump(), _MARK: entry.shadow}}


def entry_of(flag: Any) -> Entry | None:
    """The entry that a flag was written from; None where it is no flag of ours, or was changed."""
    metadata = flag.get("metadata") if isinstance(flag, Mapping) else None
    if not isinstance(metadata, Mapping):
        return None
    try:
        entry = Entry.model_validate({k: v for k, v in metadata.items() if k != _MARK})
    except ValidationError:
        return None
    sound = entry.hash == entry.true_hash and definition(entry) == flag
    return entry if sound else None


def parse(text: str) -> Flags:
    """A file of flags: all of the document.

    Raises:
        FlagFileError: it is no JSON, or holds no flags.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise FlagFileError(f"no JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
        raise FlagFileError("no object with `flags`")
    return document


def with_flags(document: Mapping[str, Any], entries: Mapping[str, Entry]) -> Flags:
    """A document with the flags of some endpoints set; all others stay as they are."""
    flags = {**document.get("flags", {}), **{e: definition(x) for e, x in entries.items()}}
    return {"$schema": SCHEMA, **document, "flags": flags}
