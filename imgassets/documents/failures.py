"""How an image can fail to be there: one record a mode, and the only list of them.

What else is told apart by mode (whose fault it is, whether it is billed, whether it is asked for
again, the words of reports) is a field here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

#: The word for a mode, shared by tables, contracts and messages.
ModeName = Literal[
    "prompt_too_long",
    "out_of_memory",
    "non_finite",
    "blank",
    "wrong_size",
    "wrong_mode",
    "unreadable",
    "no_file",
    "source_missing",
    "backend_error",
    "bad_document",
    "machine_error",
    "refused_safety",
    "rate_limited",
    "timed_out",
    "reply_lost",
    "link_expired",
    "bad_payload",
    "no_image_but_billed",
    "prompt_rewritten",
    "parameter_ignored",
    "bad_request",
    "model_retired",
    "server_error",
    "unreachable",
    "unauthorized",
    "out_of_credit",
    "in_progress",
    "budget_exhausted",
]


class AtFault(StrEnum):
    """Who is to blame. Only the model's own failures count against it."""

    #: The model, or who serves it.
    MODEL = "model"
    #: What the documents ask for cannot be made.
    DOCUMENTS = "documents"
    #: This machine, its memory or its network.
    MACHINE = "machine"
    #: The image it starts from, which failed by a mode of its own.
    SOURCE = "source"
    #: Nobody: the model was never asked, for reasons of our own.
    NOT_ASKED = "not asked"


class Billed(StrEnum):
    """Whether a provider bills a request that ends so."""

    NO = "no"
    PERHAPS = "perhaps"
    YES = "yes"


@dataclass(frozen=True)
class FailureMode:
    """One way to fail.

    Attributes:
        name: the word for it.
        meaning: for people who read a contract or a table.
        phrase: what a request did, after its number: `3 requests PHRASE`.
        at_fault: see `AtFault`.
        billed: of a hosted model.
        transient: may come out well when it is asked for again in a later run, unchanged.
        may_be_asked_again: billed or perhaps billed, and the image never came:
            `limits.ask_again` of a hosted model asks anew.
        phrase_says_all: a message of the backend adds nothing to the phrase.
    """

    name: ModeName
    meaning: str
    phrase: str
    at_fault: AtFault = AtFault.MODEL
    billed: Billed = Billed.NO
    transient: bool = False
    may_be_asked_again: bool = False
    phrase_says_all: bool = False


FAILURE_MODES: dict[str, FailureMode] = {
    mode.name: mode
    for mode in (
        FailureMode(
            "prompt_too_long",
            "the contract refuses the prompt before anything runs",
            "was refused because its prompt is too long",
            at_fault=AtFault.DOCUMENTS,
        ),
        FailureMode(
            "out_of_memory",
            "even a batch of one did not fit",
            "ran out of memory",
            at_fault=AtFault.MACHINE,
            transient=True,
        ),
        FailureMode(
            "non_finite",
            "NaN or infinity came out of the model",
            "gave an image with NaN or infinity",
        ),
        FailureMode("blank", "one flat color", "gave a blank image", phrase_says_all=True),
        FailureMode(
            "wrong_size",
            "not the size the contract returns",
            "gave an image of the wrong size",
            billed=Billed.YES,
        ),
        FailureMode(
            "wrong_mode",
            "not the mode the contract returns",
            "gave an image in the wrong color mode",
            phrase_says_all=True,
        ),
        FailureMode("unreadable", "truncated, or no image at all", "gave an unreadable image"),
        FailureMode(
            "no_file",
            "a folder of images has none for the prompt and seed",
            "has no image in the folder",
        ),
        FailureMode(
            "source_missing",
            "an edit or upscale whose source image failed",
            "had no source image to work on",
            at_fault=AtFault.SOURCE,
            phrase_says_all=True,
        ),
        FailureMode(
            "backend_error",
            "the backend raised; the message is in the row",
            "ended in an error of the backend",
        ),
        FailureMode(
            "bad_document",
            "the documents ask for what cannot be made; the message says what",
            "could not be made as the documents ask",
            at_fault=AtFault.DOCUMENTS,
        ),
        FailureMode(
            "machine_error",
            "this machine cannot make it: a package or weights missing, no room, no key",
            "could not be made here",
            at_fault=AtFault.MACHINE,
            transient=True,
        ),
        FailureMode(
            "refused_safety",
            "the provider refused the prompt, or withheld the image",
            "was refused as unsafe",
            billed=Billed.PERHAPS,
        ),
        FailureMode(
            "rate_limited",
            "told to wait longer or more often than the document allows",
            "was turned away by the provider's rate limit",
            transient=True,
        ),
        FailureMode(
            "timed_out",
            "no reply within the time allowed; perhaps billed",
            "got no reply in time",
            billed=Billed.PERHAPS,
            may_be_asked_again=True,
        ),
        FailureMode(
            "reply_lost",
            "sent, but the reply never came whole; perhaps billed",
            "lost its reply on the way",
            billed=Billed.PERHAPS,
            may_be_asked_again=True,
        ),
        FailureMode(
            "link_expired",
            "billed, but the image's link could not be followed any more",
            "got a link that no longer works",
            billed=Billed.YES,
            may_be_asked_again=True,
        ),
        FailureMode(
            "bad_payload",
            "the reply, or the image in it, cannot be understood",
            "got a reply that cannot be read",
            billed=Billed.YES,
            may_be_asked_again=True,
        ),
        FailureMode(
            "no_image_but_billed",
            "answered without an image",
            "was billed and got no image",
            billed=Billed.YES,
        ),
        FailureMode(
            "prompt_rewritten",
            "another prompt was drawn than the one that was sent",
            "was drawn from a rewritten prompt",
            billed=Billed.YES,
        ),
        FailureMode(
            "parameter_ignored",
            "a parameter came back as something else",
            "had a parameter ignored",
            billed=Billed.YES,
        ),
        FailureMode(
            "bad_request",
            "the provider does not accept the request as it is",
            "was not accepted by the provider",
            at_fault=AtFault.DOCUMENTS,
        ),
        FailureMode(
            "model_retired",
            "the provider no longer has the model, or answers with another one",
            "asked for a model that is gone",
            billed=Billed.PERHAPS,
        ),
        FailureMode("server_error", "5xx at every try", "met a broken server", transient=True),
        FailureMode(
            "unreachable",
            "no connection at every try",
            "did not reach the provider",
            at_fault=AtFault.MACHINE,
            transient=True,
        ),
        FailureMode(
            "unauthorized",
            "the API key is missing rights, or wrong",
            "was turned away for its API key",
            at_fault=AtFault.NOT_ASKED,
            transient=True,
        ),
        FailureMode(
            "out_of_credit",
            "the account with the provider is empty",
            "met an empty account",
            at_fault=AtFault.NOT_ASKED,
            transient=True,
        ),
        FailureMode(
            "in_progress",
            "not asked for: another process was still asking when patience ended",
            "was still being asked for by another process",
            at_fault=AtFault.NOT_ASKED,
            transient=True,
            phrase_says_all=True,
        ),
        FailureMode(
            "budget_exhausted",
            "not asked for: it could cost more than limits.max_usd allows",
            "did not fit into the budget",
            at_fault=AtFault.NOT_ASKED,
            phrase_says_all=True,
        ),
    )
}
#: The model was never asked, for reasons of our own.
NEVER_ASKED = frozenset(n for n, m in FAILURE_MODES.items() if m.at_fault is AtFault.NOT_ASKED)
#: Nobody can hold these against the model: they say nothing of it, good or bad.
NOT_THE_MODELS = frozenset(n for n, m in FAILURE_MODES.items() if m.at_fault is not AtFault.MODEL)
