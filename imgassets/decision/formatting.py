"""Numbers and metrics in words a product manager understands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from imgassets.documents.criteria import Criterion
from imgassets.documents.failures import FAILURE_MODES
from imgassets.flows import FLOWS
from imgassets.metrics.families import METRICS

#: A true minus sign (as wide as a plus), and what stands where there is no number.
MINUS = "\u2212"
NOTHING = "\u2013"
_LONGEST_QUOTE = 240
#: Units that sentences write otherwise; a ratio is a plain number.
_UNITS = {"ratio": ""}
#: Scores on a scale of powers of ten, which nobody reads: said as plain numbers and percent.
_POWERS = "decades"


def unit_of(metric: str) -> str:
    """The metric's unit; `share` for failure modes."""
    return METRICS[metric].unit if metric in METRICS else "share"


def amount(value: float | None, unit: str, more: int = 0) -> str:
    """A value with its unit: `31 %`, `0.83`, `1.24 s`, `$0.040`, `512 MiB`.

    Arguments: `more` decimals than usual, where two numbers would look the same.
    """
    if value is None or math.isnan(value):
        return NOTHING
    if unit == "share":
        return f"{_trim(100 * value, more)} %"
    if unit == "similarity":
        return _with_sign(f"{value:.{2 + more}f}")
    if unit == "USD":
        return f"{MINUS if value < 0 else ''}${_money(abs(value), more)}"
    if unit == _POWERS:
        return _significant(10.0**value, more)
    return f"{_significant(value, more)} {_UNITS.get(unit, unit)}".rstrip()


def step(value: float, unit: str, more: int = 0) -> str:
    """The size of a difference, without sign: `41 points`, `0.05`, `0.3 s`.

    On a scale of powers of ten a step is a factor, said as percent: 0.05 up is `12 %`, 0.05 down
    `11 %`.
    """
    if unit == _POWERS:
        return f"{_trim(100 * abs(10.0**value - 1.0), more)} %"
    if unit == "share":
        points = _trim(100 * abs(value), more)
        return f"{points} point" if points == "1" else f"{points} points"
    return amount(abs(value), unit, more)


def apart(
    show: Callable[[float, str, int], str], value: float, other: float, unit: str
) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart: `69.7 %`, `70 %`."""
    for more in range(5):
        one, two = show(value, unit, more), show(other, unit, more)
        if one != two:
            return (show(value, unit, more), show(other, unit, 0)) if more else (one, two)
    return show(value, unit, 0), show(other, unit, 0)


def confidence(alpha: float) -> str:
    """Of a one-sided bound at level alpha, never rounded up: `95 %`, `99.8 %`."""
    percent = math.floor(1000 * (1 - alpha) + 1e-9) / 10
    return f"{math.floor(percent) if percent < 99 else percent:g} %"


def signed(value: float | None, unit: str, more: int = 0) -> str:
    """A difference with its sign, for tables: `+41 points`, `+0.3 s`."""
    if value is None or math.isnan(value):
        return NOTHING
    sign = MINUS if value < 0 else "+" if value > 0 else "±"
    return f"{sign}{step(value, unit, more)}"


def margin_words(margin: float, unit: str, direction: str) -> str:
    """How far a difference may go: `5 points worse`, `1.00 L* either way`.

    On a scale of powers of ten `11 % less or 12 % more`.

    Arguments: `direction` of the metric.
    """
    if direction != "same":
        return f"{step(-margin if direction == 'higher' else margin, unit)} worse"
    down, up = step(-margin, unit), step(margin, unit)
    return f"{up} either way" if down == up else f"{down} less or {up} more"


def between(low: float, high: float, unit: str, *, difference: bool = False) -> str:
    """Two bounds with their unit once: `89 to 97 %`, `+6 to +14 points`."""
    show = signed if difference else amount
    first, second = show(low, unit), show(high, unit)
    ending = second[second.rfind(" ") :] if " " in second else ""
    for suffix in (ending, " point", " points"):
        first = first.removesuffix(suffix) if suffix else first
    return f"{first} to {second}"


def measured_phrase(criterion: Criterion, shown: str) -> str:
    """What the number says: `text is read exactly right in 31 % of images`.

    Arguments: `shown` is the number with its unit, as `amount` writes it.
    """
    flow = flow_phrase(criterion.flow)
    phrase, name = criterion.definition.phrase, criterion.definition.called or criterion.metric
    if criterion.statistic == "worst":
        if phrase and " of images" not in phrase:
            return f"{flow}at worst, {phrase.format(shown)}"
        return f"{flow}the worst single image has {name} {shown}"
    if not phrase:
        return f"{flow}{name} is {shown}"
    average = " on average" if criterion.definition.unit in ("s", "MiB", "USD") else ""
    return flow + phrase.format(shown) + average


def flow_phrase(flow: str) -> str:
    """Where in the chain, to begin a clause with: `after edits, `; empty for generate."""
    return next((known.after for name, known in FLOWS.items() if name == flow), "")


def failure_phrase(mode: str, count: int, n: int) -> str:
    """`3 of 400 requests gave a blank image`."""
    known = FAILURE_MODES.get(mode)
    what = known.phrase if known else "failed in another way"
    if mode == "total":
        return f"{count or 'none'} of {n} requests failed in any way"
    if count == 0:
        return f"none of {n} requests {what}"
    plural = what.replace("was ", "were ", 1).replace("its prompt is", "their prompts are")
    return f"{count} of {n} requests {what if count == 1 else plural}"


def quoted(mode: str, messages: Sequence[str]) -> str:
    """What was said when it failed, the most common message: ` ("no room on the disk")`."""
    known = FAILURE_MODES.get(mode)
    if not messages or (known and known.phrase_says_all):
        return ""
    words = " ".join(messages[0].split()).rstrip(".")
    return f' ("{words if len(words) <= _LONGEST_QUOTE else words[: _LONGEST_QUOTE - 3] + "..."}")'


def capitalized(text: str) -> str:
    """First letter up, the rest untouched."""
    return text[:1].upper() + text[1:]


def _trim(value: float, more: int = 0) -> str:
    """Whole numbers where they say enough, one decimal near the ends and for small steps."""
    near_end = abs(value) < 10 or 99 < abs(value) < 100
    text = f"{value:.{more + near_end}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else _with_sign(text)


def _with_sign(number: str) -> str:
    """The one minus sign of all sentences, tables and plots."""
    return number.replace("-", MINUS)


def _money(value: float, more: int = 0) -> str:
    """Cents from a dollar on, three decimals below, two digits where that would say nothing."""
    size = abs(value)
    if size >= 1 or size == 0:
        return f"{value:.{2 + more}f}"
    return f"{value:.{more + max(3, 1 - math.floor(math.log10(size)))}f}"


def _significant(value: float, more: int = 0) -> str:
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return _with_sign(f"{value:.{min(digits + more, 9)}f}")
