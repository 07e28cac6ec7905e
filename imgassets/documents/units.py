"""Numbers with units, as people write them in documents and read them in reports.

A limit may be a bare number in the metric's own unit (`0.05`), or say its unit: `5 %`, `5 points`,
`3 dB`, `500 ms`, `$0.04`. What a report prints is taken as it stands. What lies outside the range
that a unit can have is refused, with the value that was likely meant.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator

from imgassets.metrics.family import Metric

_PERCENT = dict.fromkeys(
    ("%", "percent", "point", "points", "pp", "percentage point", "percentage points"),
    Decimal("0.01"),
)
_TIME = {
    word: Decimal(factor)
    for words, factor in (
        ("s sec second seconds", "1"),
        ("ms millisecond milliseconds", "0.001"),
        ("min minute minutes", "60"),
        ("h hour hours", "3600"),
    )
    for word in words.split()
}
_MEMORY = {"mib": Decimal(1), "gib": Decimal(1024), "kib": 1 / Decimal(1024)}
_MONEY = {"usd": Decimal(1), "$": Decimal(1), "cent": Decimal("0.01"), "cents": Decimal("0.01")}
_NUMBER = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?) *([a-z%$][a-z0-9 %*]*)?", re.IGNORECASE
)
_COMMA = re.compile(r"[+-]?\d+,\d+\b")


@dataclass(frozen=True)
class Unit:
    """What numbers of a unit may be.

    Attributes:
        name: as metrics and reports call it.
        called: with its article, for messages.
        lowest, highest: ends of its range; infinite where there is none.
        words: what may follow the number, in lower case, and how much one of it is. The name itself
            always may.
        example: how to write one.
        slip: factors by which people are off who think in a neighbouring unit (percent for a share,
            milliseconds for seconds), the likeliest first.
        widest: a margin is below it; the width of the range where nothing else is said.
        endless: whether scores may lie above `highest`, which is only the highest sensible limit.
    """

    name: str
    called: str
    lowest: float
    highest: float
    words: Mapping[str, Decimal] = field(default_factory=dict)
    example: str = ""
    slip: tuple[Decimal, ...] = ()
    widest: float | None = None
    endless: bool = False

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Lowest and highest possible score; None where the scale has no end."""
        if self.endless:
            return (0.0, None) if self.lowest == 0 else (None, None)
        return float(self.lowest), float(self.highest)

    @property
    def width(self) -> float:
        """A margin this wide could never be exceeded."""
        return self.highest - self.lowest if self.widest is None else self.widest

    @property
    def plain(self) -> str:
        """What stands behind a number; nothing where a bare number says it all."""
        return self.name if self.name in ("s", "MiB", "USD", "dB") else ""

    def factor(self, word: str) -> Decimal | None:
        """How much one of `word` is; None for a word of another unit."""
        return Decimal(1) if word in ("", self.name.lower()) else self.words.get(word)


_HUNDREDTH = (Decimal("0.01"),)
UNITS: dict[str, Unit] = {
    unit.name: unit
    for unit in (
        Unit("share", "a share", 0, 1, _PERCENT, "`0.05`, `5 %` or `5 points`", _HUNDREDTH),
        Unit("similarity", "a similarity", 0, 1, {}, "`0.05`", _HUNDREDTH),
        # 1 is as good as none of a fault, or as sharp as Lanczos: a step of 1 is all there is.
        Unit("ratio", "a ratio", 0, 100, {}, "`0.05`", _HUNDREDTH, widest=1, endless=True),
        Unit("cosine x 100", "a likeness", 0, 100, {}, "`31.5`"),
        Unit("levels", "a number of levels", 0, 255, {"level": Decimal(1)}, "`3 levels`"),
        # sRGB has no two colors that differ by more.
        Unit("CIEDE2000", "a difference of color", 0, 120, {}, "`2 CIEDE2000`"),
        # 120 dB stands for identical pixels.
        Unit("dB", "a number of decibels", 0, 120, {}, "`3 dB`"),
        Unit("bits", "a number of bits", 0, 64, {"bit": Decimal(1)}, "`4 bits`"),
        # The ends of sRGB in CIELAB, rounded outwards.
        Unit("L*", "a lightness", 0, 100, {}, "`1 L*`"),
        Unit("a*", "a color from green to red", -87, 99, {}, "`1 a*`"),
        Unit("b*", "a color from blue to yellow", -108, 95, {}, "`1 b*`"),
        Unit("C*", "a chroma", 0, 134, {}, "`1 C*`"),
        Unit("decades", "a power of ten", -10, 10, {"decade": Decimal(1)}, "`0.1 decades`",
             endless=True),
        Unit("s", "a time", 0, 3600, _TIME, "`20 s` or `500 ms`",
             (Decimal("0.001"),), endless=True),
        Unit("MiB", "an amount of memory", 0, 2**24, _MEMORY, "`512 MiB` or `4 GiB`",
             (1 / Decimal(2**20),), endless=True),
        Unit("USD", "an amount of money", 0, 10_000, _MONEY, "`$0.04` or `4 cents`", endless=True),
    )
}  # fmt: skip
#: Units of limits that have a narrower range than the scores: a character error rate above 1 can be
#: measured, but allows more errors than there are characters.
_OF_LIMITS = {
    "error rate": replace(UNITS["ratio"], called="an error rate", highest=1, words=_PERCENT,
                              example="`0.05` or `5 %`"),
}  # fmt: skip


def unit_of_limit(metric: Metric) -> Unit:
    """What the limits of a metric may be."""
    if metric.limit_unit:
        return _OF_LIMITS[metric.limit_unit]
    unit = UNITS.get(metric.unit) or Unit(
        metric.unit, f"a number of {metric.unit}", -math.inf, math.inf, {}, "`1`"
    )
    if metric.range is None:
        return unit
    return replace(unit, lowest=metric.range[0], highest=metric.range[1])


def level(value: object, unit: Unit) -> float:
    """A floor, a ceiling, or a rate: a number within the unit's range.

    Raises:
        ValueError: it is none, or has another unit, or lies outside the range; says what was
            likely meant.
    """
    number = amount(value, unit)
    if unit.lowest <= number <= unit.highest:
        return number
    ends = f"{_shown(unit.lowest)} and {_shown(unit.highest)} {unit.plain}".rstrip()
    meant = _meant(number, unit, unit.slip, unit.highest)
    raise ValueError(f"{unit.called} lies between {ends}; {meant}")


def step(value: object, unit: Unit) -> float:
    """A margin or a distance: not negative, and smaller than the unit's whole range.

    Raises:
        ValueError: it is none, or has another unit, or is so wide that nothing could exceed it;
            says what was likely meant.
    """
    number = amount(value, unit)
    if 0 <= number < unit.width:
        return number
    if number < 0:
        why = "a margin says how much is allowed, so it is not negative"
    else:
        why = f"that is the whole range of {unit.called}, so it would allow everything"
    slips, widest = (*unit.slip, Decimal(-1)), math.nextafter(unit.width, 0)
    raise ValueError(f"{why}; {_meant(number, unit, slips, widest)}")


def amount(value: object, unit: Unit) -> float:
    """A number that may say its unit, in the unit.

    Raises:
        ValueError: no finite number, or another unit; says how to write one.
    """
    if isinstance(value, bool):
        raise ValueError(f"true and false are no numbers; write {unit.example}")
    if not isinstance(value, str | int | float):
        raise ValueError(f"not a number; write {unit.example}")
    try:
        number = _parsed(value, unit) if isinstance(value, str) else float(value)
    except ArithmeticError:  # too large for a float
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"no limit is infinite or not a number; write {unit.example}")
    return number


def _parsed(written: str, unit: Unit) -> float:
    text = unicodedata.normalize("NFKC", written).replace("\N{MINUS SIGN}", "-").strip()
    if text.startswith("$"):
        text = f"{text[1:].strip()} $"
    if _COMMA.match(text):
        dotted = text.replace(",", ".", 1)
        raise ValueError(f"a comma is no decimal point; did you mean `{dotted}`?")
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"not a number; write {unit.example}")
    word = " ".join((found[2] or "").lower().split())
    factor = unit.factor(word)
    if factor is None:
        slips = unit.slip if word in _PERCENT and unit.slip == _HUNDREDTH else ()
        raise ValueError(
            f"{found[2]!r} is no unit of {unit.called}; "
            + _meant(float(found[1]), unit, slips, unit.highest)
        )
    return float(Decimal(found[1]) * factor)


def _shown(number: float) -> str:
    if math.isinf(number):
        return "infinity" if number > 0 else "minus infinity"
    return f"{number:,.0f}" if number == round(number) else f"{number:g}"


def _meant(number: float, unit: Unit, slips: Sequence[Decimal], highest: float) -> str:
    """The value that was likely meant (above 0, at most `highest`), and how to write it."""
    for slip in slips:
        guess = Decimal(repr(number)) * slip
        if 0 < guess <= Decimal(highest):
            return f"did you mean {_written(guess, unit)}?"
    return f"write for example {unit.example}"


def _written(number: Decimal, unit: Unit) -> str:
    bare = f"`{float(number):.6g}`"
    if "%" not in unit.words:
        return bare
    percent = f"{float(number * 100):.6g}"
    return f"{bare}, or write `{percent} %` or `{percent} point{'s' * (percent != '1')}`"


@dataclass(frozen=True)
class InUnit:
    """Reads a field whose unit is fixed; schemas know it by this.

    Attributes:
        unit: a name of `UNITS`.
        read: `level` where the unit's range holds, `amount` where the field has one of its own.
    """

    unit: str
    read: Callable[[object, Unit], float]

    def __call__(self, value: object) -> float:
        """The number. Raises as `read`."""
        return self.read(value, UNITS[self.unit])


#: Fields with a fixed unit and its range.
Share = Annotated[float, BeforeValidator(InUnit("share", level))]
ImageSeconds = Annotated[float, BeforeValidator(InUnit("s", level))]
Usd = Annotated[float, BeforeValidator(InUnit("USD", level))]
#: Times and money with ranges of their own.
Mebibytes = Annotated[float, BeforeValidator(InUnit("MiB", level))]
Seconds = Annotated[float, BeforeValidator(InUnit("s", amount))]
Money = Annotated[float, BeforeValidator(InUnit("USD", amount))]
