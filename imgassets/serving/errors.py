"""What is answered where no image is: errors in OpenAI's shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imgassets.backends.base import Outcome
from imgassets.documents.failures import FAILURE_MODES, AtFault

_BAD = "invalid_request_error"


@dataclass
class ServingError(Exception):
    """One request that is answered with an error.

    Attributes:
        status: of HTTP.
        message: for people.
        code: for programs; a failure mode of ours where an image could not be made.
        param: which parameter is at fault.
        kind: OpenAI's `type`.
    """

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    kind: str = _BAD

    def body(self) -> dict[str, Any]:
        """As JSON values."""
        told = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": told}


def bad(message: str, param: str | None = None, code: str | None = None) -> ServingError:
    """A request that cannot be served as it is."""
    return ServingError(400, message, code, param)


def error_of(outcome: Outcome) -> ServingError:
    """The error for an image that could not be made."""
    mode = FAILURE_MODES[outcome.failure or "backend_error"]
    message = outcome.message or mode.meaning
    if mode.name == "refused_safety":
        return ServingError(400, message, "moderation_blocked", None, "image_generation_user_error")
    if mode.at_fault is AtFault.DOCUMENTS:
        return ServingError(400, message, mode.name)
    if mode.name == "rate_limited":
        return ServingError(429, message, "rate_limit_exceeded", None, "requests")
    if mode.at_fault is AtFault.NOT_ASKED:
        return ServingError(429, message, mode.name, None, "insufficient_quota")
    return ServingError(500, message, mode.name, None, "server_error")
