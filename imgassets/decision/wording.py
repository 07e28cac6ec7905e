"""Numbers and metrics in words a product manager understands."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imgassets.spec.criteria import Criterion
from imgassets.spec.metrics import METRICS

#: A true minus sign (as wide as a plus), and what stands where there is no number.
MINUS = "\u2212"
NOTHING = "\u2013"
#: What a metric's number says, with a slot for it. Metrics not listed get a plain sentence.
PHRASES = {
    "composition.correct": "everything asked for is shown in {} of images",
    "composition.size": "objects have the size asked for in {} of images",
    "composition.background": "the background is as asked for in {} of images",
    "typography.exact": "text is read exactly right in {} of images",
    "typography.strict": "text is read exactly right, nothing folded, in {} of images",
    "typography.cer": "{} of the characters asked for are read wrong",
    "typography.words": "{} of the words asked for are read",
    "typography.ned": "text is read with a similarity of {}",
    "artefacts.clean": "{} of images are free of defects",
    "artefacts.clipping": "{} of pixels are clipped",
    "artefacts.banding": "gradients skip {} of their levels",
    "look.repeated": "{} of images repeat another one",
    "edit_stability.changed_outside": "{} of the pixels outside the mask change",
    "edit_stability.changed_inside": "{} of the pixels inside the mask change",
    "reproducibility.identical": "{} of repeated requests give the same pixels",
    "cost.seconds": "one image takes {}",
    "cost.peak_memory": "one image needs {} of memory",
    "cost.usd": "one image costs {}",
}
_FAILURES = {
    "prompt_too_long": "was refused because its prompt is too long",
    "out_of_memory": "ran out of memory",
    "non_finite": "gave an image with NaN or infinity",
    "blank": "gave a blank image",
    "wrong_size": "gave an image of the wrong size",
    "wrong_mode": "gave an image in the wrong color mode",
    "unreadable": "gave an unreadable image",
    "source_missing": "had no source image to work on",
    "refused_safety": "was refused as unsafe",
    "rate_limited": "was turned away by the provider's rate limit",
    "timed_out": "got no reply in time",
    "reply_lost": "lost its reply on the way",
    "link_expired": "got a link that no longer works",
    "bad_payload": "got a reply that cannot be read",
    "no_image_but_billed": "was billed and got no image",
    "prompt_rewritten": "was drawn from a rewritten prompt",
    "parameter_ignored": "had a parameter ignored",
    "bad_request": "was not accepted by the provider",
    "model_retired": "asked for a model that is gone",
    "server_error": "met a broken server",
    "unreachable": "did not reach the provider",
    "unauthorized": "was turned away for its API key",
    "out_of_credit": "met an empty account",
    "in_progress": "was still being asked for by another process",
    "budget_exhausted": "did not fit into the budget",
    "backend_error": "ended in an error of the backend",
    "bad_document": "could not be made as the documents ask",
    "machine_error": "could not be made here",
    "other": "failed in another way",
}
#: Failures whose message says no more than their phrase.
_SAID_ALL = {"blank", "wrong_mode", "source_missing", "budget_exhausted", "in_progress"}
_LONGEST_QUOTE = 240
_FLOWS = {
    "generate": "",
    "stylize": "after stylization, ",
    "edit": "after edits, ",
    "upscale": "after upscaling, ",
    "postprocess": "after post-processing, ",
}


def unit_of(metric: str) -> str:
    """The metric's unit; `share` for failure modes."""
    return METRICS[metric].unit if metric in METRICS else "share"


def amount(value: float | None, unit: str) -> str:
    """A value with its unit: `31 %`, `0.83`, `1.24 s`, `$0.040`, `512 MiB`."""
    if value is None or math.isnan(value):
        return NOTHING
    if unit == "share":
        return f"{_trim(100 * value)} %"
    if unit == "similarity":
        return f"{value:.2f}"
    if unit == "USD":
        return f"${_money(value)}"
    return f"{_significant(value)} {unit}"


def step(value: float, unit: str) -> str:
    """The size of a difference, without sign: `41 points`, `0.05`, `0.3 s`."""
    if unit == "share":
        points = _trim(100 * abs(value))
        return f"{points} point" if points == "1" else f"{points} points"
    return amount(abs(value), unit)


def signed(value: float | None, unit: str) -> str:
    """A difference with its sign, for tables: `+41 points`, `+0.3 s`."""
    if value is None or math.isnan(value):
        return NOTHING
    sign = MINUS if value < 0 else "+" if value > 0 else "±"
    return f"{sign}{step(value, unit)}"


def between(low: float, high: float, unit: str, *, difference: bool = False) -> str:
    """Two bounds with their unit once: `89 to 97 %`, `+6 to +14 points`."""
    show = signed if difference else amount
    first, second = show(low, unit), show(high, unit)
    ending = second[second.rfind(" ") :] if " " in second else ""
    for suffix in (ending, " point", " points"):
        first = first.removesuffix(suffix) if suffix else first
    return f"{first} to {second}"


def measured_phrase(criterion: Criterion, value: float) -> str:
    """What the number says: `text is read exactly right in 31 % of images`."""
    unit = unit_of(criterion.metric)
    shown = amount(value, unit)
    flow = _FLOWS.get(criterion.flow, "")
    if criterion.statistic == "worst":
        what = METRICS[criterion.metric].name
        return f"{flow}the worst single image has {what} {shown}"
    phrase = PHRASES.get(criterion.metric)
    if phrase is None:
        return f"{flow}{criterion.metric} is {shown}"
    average = " on average" if unit in ("s", "MiB", "USD") else ""
    return flow + phrase.format(shown) + average


def compared_phrase(metric: str, difference: float, incumbent: str) -> str:
    """`41 points below tiny-base`, `0.3 s above tiny-base`, `the same as tiny-base`."""
    unit = unit_of(metric)
    if step(difference, unit) == step(0.0, unit):
        return f"the same as {incumbent}"
    return f"{step(difference, unit)} {'below' if difference < 0 else 'above'} {incumbent}"


def failure_phrase(mode: str, count: int, n: int) -> str:
    """`3 of 400 requests gave a blank image`."""
    what = _FAILURES.get(mode, f"failed as {mode}")
    if count == 0:
        return f"none of {n} requests {what}"
    plural = what.replace("was ", "were ", 1).replace("its prompt is", "their prompts are")
    return f"{count} of {n} requests {what if count == 1 else plural}"


def quoted(mode: str, messages: Sequence[str]) -> str:
    """What was said when it failed, the most common message: ` ("no room on the disk")`."""
    if mode in _SAID_ALL or not messages:
        return ""
    words = " ".join(messages[0].split()).rstrip(".")
    return f' ("{words if len(words) <= _LONGEST_QUOTE else words[: _LONGEST_QUOTE - 3] + "..."}")'


def capitalized(text: str) -> str:
    """First letter up, the rest untouched."""
    return text[:1].upper() + text[1:]


def _trim(value: float) -> str:
    """Whole numbers where they say enough, one decimal near the ends and for small steps."""
    near_end = abs(value) < 10 or 99 < abs(value) < 100
    text = f"{value:.1f}" if near_end else f"{value:.0f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text


def _money(value: float) -> str:
    """Cents from a dollar on, three decimals below, two digits where that would say nothing."""
    size = abs(value)
    if size >= 1 or size == 0:
        return f"{value:.2f}"
    return f"{value:.{max(3, 1 - math.floor(math.log10(size)))}f}"


def _significant(value: float) -> str:
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 6)}f}"
