"""How an image can fail to be there."""

from __future__ import annotations

from typing import Literal

#: How an image can fail to exist or to be usable. One word each; tables and contracts share them.
FailureMode = Literal[
    "prompt_too_long",  # the contract refuses the prompt before anything runs
    "out_of_memory",  # even a batch of one did not fit
    "non_finite",  # NaN or infinity came out of the model
    "blank",  # one flat color
    "wrong_size",  # not the size the contract returns
    "wrong_mode",  # not the mode the contract returns
    "unreadable",  # truncated, or no image at all
    "source_missing",  # an edit or upscale whose source image failed
    "backend_error",  # the backend raised; the message is in the row
    "bad_document",  # the documents ask for what cannot be made; the message says what
    "machine_error",  # this machine cannot make it: a package or weights missing, no room, no key
    # Hosted models (docs/hosted.md says which of these are billed):
    "refused_safety",  # the provider refused the prompt, or withheld the image
    "rate_limited",  # told to wait longer or more often than the document allows
    "timed_out",  # no reply within the time allowed; perhaps billed
    "reply_lost",  # sent, but the reply never came whole; perhaps billed
    "link_expired",  # billed, but the image's link could not be followed any more
    "bad_payload",  # the reply, or the image in it, cannot be understood
    "no_image_but_billed",  # answered without an image
    "prompt_rewritten",  # another prompt was drawn than the one that was sent
    "parameter_ignored",  # a parameter came back as something else
    "bad_request",  # the provider does not accept the request as it is
    "model_retired",  # the provider no longer has the model, or answers with another one
    "server_error",  # 5xx at every try
    "unreachable",  # no connection at every try
    "unauthorized",  # the API key is missing rights, or wrong
    "out_of_credit",  # the account with the provider is empty
    "in_progress",  # not asked for: another process was still asking when patience ended
    "budget_exhausted",  # not asked for: it could cost more than limits.max_usd allows
]
#: The model was never asked, for reasons of our own.
NEVER_ASKED: frozenset[str] = frozenset(
    {"budget_exhausted", "in_progress", "unauthorized", "out_of_credit"}
)
#: Nobody can hold these against the model: the documents or this machine are at fault, or the model
#: was never asked. They say nothing of it, good or bad.
NOT_THE_MODELS: frozenset[str] = NEVER_ASKED | {
    "bad_document",
    "machine_error",
    "out_of_memory",
    "source_missing",
    "prompt_too_long",
    "bad_request",
    "unreachable",
}
