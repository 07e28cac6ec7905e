"""What changed since the last report: verdicts, criteria, documents, versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from imgassets.decision.formatting import amount
from imgassets.decision.names import title_of_row
from imgassets.flows import in_brackets

#: `report.json` of a report.
Facts = Mapping[str, Any]
#: What changed in a facet since a version, from (kind of document, name, facet, version).
Describe = Callable[[str, str, str, str], str]
#: Parts of a report that say what it found and from what; not when.
_FOUND = ("verdicts", "comparisons", "repetitions", "provenance")
_SECTIONS = {"endpoint": "endpoints", "models": "models", "prompt sets": "prompts"}
_NONE = "none"


@dataclass(frozen=True)
class Change:
    """One thing that is no longer what it was; `why` is a remark, mostly empty."""

    what: str
    before: str
    after: str
    why: str = ""


@dataclass(frozen=True)
class Changes:
    """All that changed since a report; `since` is when that one was made."""

    since: str
    verdicts: tuple[Change, ...] = ()
    criteria: tuple[Change, ...] = ()
    documents: tuple[Change, ...] = ()
    versions: tuple[Change, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the report's JSON has it."""
        return asdict(self)


def same_facts(one: Facts, other: Facts) -> bool:
    """Whether two reports found the same from the same."""
    return all(one.get(part) == other.get(part) for part in _FOUND)


def changes(before: Facts, after: Facts, describe: Describe | None = None) -> Changes:
    """What `after` says otherwise than `before`; both as `report_document` makes them.

    A criterion moved when its state or its value, as it is shown, is another one.
    """
    old, new = before.get("provenance", {}), after.get("provenance", {})
    return Changes(
        str(before.get("created", "")),
        tuple(_verdicts(before, after)),
        tuple(_criteria(before, after)),
        tuple(_documents(after.get("endpoint", ""), old, new, describe)),
        tuple(_versions(old, new)),
    )


def _verdicts(before: Facts, after: Facts) -> Iterator[Change]:
    old = {v["model"]: v for v in before.get("verdicts", ())}
    new = {v["model"]: v for v in after.get("verdicts", ())}
    for model in [*new, *(m for m in old if m not in new)]:
        was, now = old.get(model, {}), new.get(model, {})
        if was.get("verdict") != now.get("verdict"):
            sentence = now.get("sentence", "").partition(": ")[2]
            yield Change(model, was.get("verdict", _NONE), now.get("verdict", _NONE), sentence)


def _criteria(before: Facts, after: Facts) -> Iterator[Change]:
    for model, rows in after.get("comparisons", {}).items():
        old = {r["criterion"]: r for r in before.get("comparisons", {}).get(model, ())}
        for row in rows:
            was = old.pop(row["criterion"], None)
            if was is None or _shown(was) != _shown(row):
                yield _moved(model, was, row)
        yield from (Change(_named(model, r), _shown(r), _NONE) for r in old.values())


def _moved(model: str, was: Mapping[str, Any] | None, row: Mapping[str, Any]) -> Change:
    before = _NONE if was is None else _shown(was)
    return Change(_named(model, row), before, _shown(row), _beyond(was, row))


def _named(model: str, row: Mapping[str, Any]) -> str:
    worst = ", worst image" if row["statistic"] == "worst" else ""
    return f"{model}: {title_of_row(row)}{in_brackets(row['flow'])}{worst}"


def _shown(row: Mapping[str, Any]) -> str:
    return f"{amount(row['estimate'], row['unit'])}, {row['state']}"


def _beyond(was: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str:
    known = was is not None and None not in (was["lower"], was["upper"], row["estimate"])
    if was is None or not known or was["lower"] <= row["estimate"] <= was["upper"]:
        return ""
    return "outside of the earlier error bars"


def _documents(
    endpoint: str, old: Mapping[str, Any], new: Mapping[str, Any], describe: Describe | None
) -> Iterator[Change]:
    was, now = dict(_facets(endpoint, old)), dict(_facets(endpoint, new))
    for key in [*now, *(k for k in was if k not in now)]:
        before, after = was.get(key, ""), now.get(key, "")
        if before != after:
            why = describe(*key, before) if describe and before and after else ""
            kind, name, facet = key
            yield Change(f"{kind}/{name}: {facet}", before[:12] or _NONE, after[:12] or _NONE, why)


def _facets(
    endpoint: str, provenance: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, str, str], str]]:
    for section, kind in _SECTIONS.items():
        found = provenance.get(section, {})
        for name, facets in ({endpoint: found} if kind == "endpoints" else found).items():
            yield from (((kind, name, facet), version) for facet, version in facets.items())


def _versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    was, now = _flat(old), _flat(new)
    for name in [*now, *(k for k in was if k not in now)]:
        if was.get(name) != now.get(name):
            yield Change(name, was.get(name, _NONE), now.get(name, _NONE))


def _flat(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Everything but documents, nested names joined."""
    found: dict[str, str] = {}
    for name, value in provenance.items():
        if name in _SECTIONS:
            continue
        if isinstance(value, Mapping):
            found |= {f"{name}: {key}": str(v) for key, v in value.items()}
        else:
            found[name] = str(value)
    return found
