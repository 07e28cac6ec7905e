"""What validators of a whole part raise: which of its fields is wrong, and how to mend it.

pydantic says of such an error only where the part begins; `problems` reads the rest from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


class FieldError(ValueError):
    """One field that does not fit the others.

    Attributes:
        message: what is wrong.
        fix: how to mend it.
        at: the field, as seen from the part whose validator raises; none for the part itself.
    """

    def __init__(self, message: str, fix: str, *at: str | int) -> None:
        super().__init__(f"{message}; {fix}")
        self.message, self.fix, self.at = message, fix, at


class SeveralFieldsError(ValueError):
    """Several of them, so that nobody mends one to be told the next."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


def raise_all(errors: Iterable[FieldError]) -> None:
    """Raises SeveralFieldsError if there is any."""
    found = tuple(errors)
    if found:
        raise SeveralFieldsError(found)


def doubles(what: str, names: Sequence[str], field: str, *part: str) -> Iterator[FieldError]:
    """An error for each name that is in a list already, at its second place.

    Args:
        what: the names are of: `candidate`.
        names: in the order of the list.
        field: the list.
        part: of an entry, that holds the name.
    """
    first: dict[str, int] = {}
    for i, name in enumerate(names):
        at = first.setdefault(name, i)
        if at != i:
            message = f"{what} {name} is listed in {field}[{at}] already"
            yield FieldError(message, "keep or rename one of them", field, i, *part)
