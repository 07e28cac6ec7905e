"""What a person says of an image, one by one: the items of what it must show.

Answers name items by these ids, so a changed word here is another item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imgassets.documents.contract import Endpoint
from imgassets.documents.prompts import Expectation, ObjectExpectation, Prompt
from imgassets.flows import FlowName


@dataclass(frozen=True)
class Item:
    """One thing an image must show.

    Attributes:
        id: such as `object:red circle`, `count:2 green star`, `relation:red circle left of star`,
            `absent:dog`, `text`, `background`, `faces`.
        words: the same for a reader.
    """

    id: str
    words: str


def items_of(expect: Expectation) -> tuple[Item, ...]:
    """What an image must show, each once, in the order of the document."""
    found = {item.id: item for item in _items(expect)}
    return tuple(found.values())


def expected(contract: Endpoint, flow: FlowName, prompt: Prompt) -> Expectation:
    """What an image of a flow must show: after an edit, what the edit asks for."""
    return prompt.edit.expect if prompt.edit and contract.edited(flow) else prompt.expect


def asked(contract: Endpoint, flow: FlowName, prompt: Prompt) -> str:
    """The words it was asked for by, before any transform; after an edit, those of the edit."""
    return prompt.edit.prompt if prompt.edit and contract.edited(flow) else prompt.prompt


def _items(expect: Expectation) -> Iterator[Item]:
    for wanted in expect.include:
        name = _named(wanted)
        if wanted.count == 1:
            yield Item(f"object:{name}", name)
        else:
            yield Item(f"count:{wanted.count} {name}", f"{wanted.count} \u00d7 {name}")
        if wanted.position is not None:
            relation, index = wanted.position
            said = f"{name} {relation} {_named(expect.include[index])}"
            yield Item(f"relation:{said}", said)
    for unwanted in expect.exclude:
        name = _named(unwanted)
        few = "" if unwanted.count == 1 else f"{unwanted.count} "
        said = f"no {name}" if unwanted.count == 1 else f"fewer than {unwanted.count} \u00d7 {name}"
        yield Item(f"absent:{few}{name}", said)
    if expect.text is not None:
        yield Item("text", f"text \u201c{expect.text}\u201d")
    if expect.background is not None:
        yield Item("background", f"{expect.background} background")
    if expect.faces is not None:
        yield Item("faces", f"{expect.faces} face{'' if expect.faces == 1 else 's'}")


def _named(wanted: ObjectExpectation) -> str:
    return " ".join(filter(None, (wanted.size, wanted.color, wanted.class_)))
