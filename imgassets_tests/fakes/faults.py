"""What a provider can do wrong, and what must become of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """One way to misbehave.

    Attributes:
        what: in words.
        apis: who can do it.
        ends_as: failure modes an image may end in; empty when the image must be had all the same.
        billed: whether the request that met it is billed.
    """

    what: str
    ends_as: frozenset[str]
    billed: bool
    apis: tuple[str, ...] = ("ideogram", "gemini", "openai")


def _ends(*modes: str) -> frozenset[str]:
    return frozenset(modes)


_IDEOGRAM, _GEMINI = ("ideogram",), ("gemini",)
_LINKS, _NO_OPENAI = ("ideogram", "openai"), ("ideogram", "gemini")
FAULTS: dict[str, Fault] = {
    "rate_limited": Fault("429, told how long to wait", _ends(), False),
    "server_error": Fault("500", _ends(), False),
    "unavailable": Fault("503", _ends(), False),
    "echoes_key": Fault("500 that repeats the API key", _ends(), False),
    "closed_early": Fault("connection closed, nothing drawn", _ends("reply_lost"), False),
    "closed_late": Fault("connection closed after drawing", _ends("reply_lost"), True),
    "slow": Fault("reply after the time allowed", _ends("timed_out"), True),
    "dripping": Fault("reply byte by byte, for ever", _ends("timed_out"), True),
    "truncated": Fault("reply ends in the middle", _ends("reply_lost"), True),
    "junk": Fault("200 with an HTML page", _ends("bad_payload"), True),
    "refused_prompt": Fault("prompt refused", _ends("refused_safety"), False),
    "withheld": Fault("image withheld as unsafe", _ends("refused_safety"), True, _NO_OPENAI),
    "no_image": Fault("200 without an image", _ends("no_image_but_billed"), True),
    "wrong_size": Fault("image of another size", _ends("wrong_size"), True),
    "rewritten": Fault("another prompt drawn", _ends("prompt_rewritten"), True, _LINKS),
    "other_seed": Fault("another seed used", _ends("parameter_ignored"), True, _IDEOGRAM),
    "other_model": Fault("another model answered", _ends("model_retired"), True, _GEMINI),
    "retired": Fault("404, model gone", _ends("model_retired"), False),
    "unauthorized": Fault("401", _ends("unauthorized"), False),
    "out_of_credit": Fault("account empty", _ends("out_of_credit"), False),
    "not_an_image": Fault("an HTML page as the image", _ends("bad_payload"), True),
    "bomb": Fault("an image of 3.6 gigapixels", _ends("bad_payload"), True),
    "expired_link": Fault("403 for the link", _ends("link_expired"), True, _LINKS),
    "foreign_link": Fault("link to a metadata service", _ends("bad_payload"), True, _LINKS),
    "moved_link": Fault("302 to where the image is", _ends(), True, _LINKS),
    "led_astray": Fault("302 to a metadata service", _ends("bad_payload"), True, _LINKS),
    "led_in_circles": Fault("302 for ever", _ends("bad_payload"), True, _LINKS),
    "broken_download": Fault("download ends early, once", _ends(), True, _LINKS),
    "busy_download": Fault("503 for the link, once", _ends(), True, _LINKS),
}


def faults_of(api: str) -> list[str]:
    """Faults an API can show."""
    return [name for name, fault in FAULTS.items() if api in fault.apis]


@dataclass(frozen=True)
class Misbehaviour:
    """Which share of requests meets which fault; decided by request and try, so repeatable."""

    shares: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    first_try_only: bool = False

    def of(self, request: str, attempt: int) -> str | None:
        """The fault that the `attempt`-th (from 0) sending of a request meets."""
        if attempt and self.first_try_only:
            return None
        left = random.Random(f"{self.seed}/{request}/{attempt}").random()
        for name, share in self.shares.items():
            left -= share
            if left < 0:
                return name
        return None
