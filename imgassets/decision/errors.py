"""What can be wrong with the tables a decision is asked for."""

from __future__ import annotations


class DecisionError(ValueError):
    """The tables cannot be compared as they are; the message says what to mend."""


class MissingColumnsError(DecisionError):
    """A table lacks columns the comparison reads."""


class MixedRowsError(DecisionError):
    """A table holds rows of another model or endpoint."""


class MissingKeysError(DecisionError):
    """A row does not say which prompt or seed it belongs to."""


class DuplicateRowsError(DecisionError):
    """One score is listed twice, so means would count it twice."""


class NonFiniteScoreError(DecisionError):
    """A score is infinite; a failed image is NaN, never infinity."""


class UnknownStatusError(DecisionError):
    """An image has a status that is neither `ok` nor a failure mode contracts know."""


class MissingIncumbentError(DecisionError):
    """A candidate is to be compared, and there is no incumbent to compare it with."""


class TooLittleDataError(DecisionError):
    """Fewer than two prompts: no spread can be estimated, so no error bar exists."""
