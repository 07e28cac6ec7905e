"""Failures by flow and mode against the rates the contract allows.

Each flow is judged by its own requests. The unit is the prompt: a prompt that fails tends to fail
with every seed, so what counts is the share of each prompt's requests that failed, and its mean is
bounded as that of any other share (`decision.bounded`). A mode the contract allows at rate 0 is a
hard rule: one occurrence breaks it, none holds it (the upper bound is shown, and does not decide).
What is no fault of the model (no budget, a document or a machine at fault) cannot break a rate: it
is undecided, and does not count among the requests that other modes are judged by.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from imgassets.decision.needed_data import prompts_needed
from imgassets.decision.paired_scores import Measured
from imgassets.decision.statistics import Estimate
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.failures import NOT_THE_MODELS
from imgassets.documents.yardstick import OTHER, limited_modes


@dataclass(frozen=True)
class FailureEvidence:
    """How often one mode occurred on one flow.

    Attributes:
        flow: of the requests.
        mode: a failure mode, `other`, or `total`.
        max_rate: the contract's.
        count: requests that failed so.
        requests: that were made, and are no fault of documents or machine where the mode is not.
        estimate: the mean over prompts of the share that failed; None without requests.
        incumbent: the incumbent's rate, None where it is not compared or unknown.
        examples: its messages, the most common one first; at most five.
    """

    flow: str
    mode: str
    max_rate: float
    count: int
    requests: int
    estimate: Estimate | None
    incumbent: float | None
    examples: tuple[str, ...] = ()

    @property
    def hard(self) -> bool:
        """Whether one occurrence decides."""
        return self.max_rate == 0.0

    @property
    def p_passed(self) -> float:
        """p-value of "fails more often than allowed"; small means shown to hold."""
        if self.estimate is None:
            return 1.0
        if self.hard:
            return 1.0 if self.count else 0.0
        return self.estimate.p_at_most(self.max_rate)

    @property
    def p_broken(self) -> float:
        """p-value of "fails no more often than allowed"; small means shown to be broken."""
        if self.estimate is None or self.mode in NOT_THE_MODELS:
            return 1.0
        if self.hard:
            return 0.0 if self.count else 1.0
        return self.estimate.p_at_least(self.max_rate)

    def further_prompts(self, alpha: float) -> int | None:
        """Prompts to add so that the rate is settled, if it stays as measured."""
        if self.estimate is None or self.hard:
            return None
        below = self.estimate.value < self.max_rate
        needed = prompts_needed(self.estimate, self.max_rate, alpha, above=not below)
        return None if needed is None else max(1, needed - self.estimate.n)


def gather_failures(
    endpoint: DecisionContract, candidate: Measured, incumbent: Measured | None
) -> tuple[FailureEvidence, ...]:
    """Evidence on every mode listed or occurred, on all others, and on all together, by flow."""
    images = _begun(candidate.images)
    rival = None if incumbent is None else _begun(incumbent.images)
    found: list[FailureEvidence] = []
    asked = [flow for flow in endpoint.flows if (images["flow"] == flow).any()]
    for flow in asked or endpoint.flows[:1]:
        ours = images[images["flow"] == flow]
        theirs = None if rival is None else rival[rival["flow"] == flow]
        occurred = frozenset(ours["status"]) - {"ok"}
        found += [
            _evidence(flow, name, members, rate, ours, theirs)
            for name, members, rate in limited_modes(endpoint, occurred)
        ]
    return tuple(found)


def _begun(images: pd.DataFrame) -> pd.DataFrame:
    """Without images that were never begun because the one they start from failed.

    That failure is counted once, by its own mode and against its own limit.
    """
    if "source_key" not in images.columns:
        return images
    failed = images.loc[images["status"] != "ok", "image_key"]
    follows = (images["status"] == "source_missing") & images["source_key"].isin(set(failed))
    return images[~follows]


def _evidence(
    flow: str,
    name: str,
    members: tuple[str, ...],
    max_rate: float,
    images: pd.DataFrame,
    incumbent: pd.DataFrame | None,
) -> FailureEvidence:
    images, rival = _judged(images, name), None if incumbent is None else _judged(incumbent, name)
    failed = images["status"].isin(members)
    messages = images.loc[failed, "message"] if "message" in images.columns else pd.Series([])
    said = Counter(str(m) for m in messages if isinstance(m, str) and m)
    flags = failed.astype(np.float64)
    shares = flags.groupby(images["prompt_id"].astype(str)).mean().to_list()
    return FailureEvidence(
        flow=flow,
        mode=name,
        max_rate=max_rate,
        count=int(failed.sum()),
        requests=len(images),
        estimate=Estimate.of(shares, (0.0, 1.0), fewest=1) if len(images) else None,
        incumbent=float(rival["status"].isin(members).mean())
        if rival is not None and len(rival)
        else None,
        examples=tuple(message for message, _ in said.most_common(5)),
    )


def _judged(images: pd.DataFrame, mode: str) -> pd.DataFrame:
    """The requests a mode is judged by: a model that was not asked could not fail."""
    if mode in NOT_THE_MODELS or mode == OTHER:
        return images
    return images[~images["status"].isin(NOT_THE_MODELS)]
