"""Failures by mode against the rates the contract allows.

A mode the contract allows at rate 0 is a hard rule: one occurrence breaks it, none holds it (the
upper bound is shown, and does not decide). Any other rate is judged by exact one-sided bounds.
What is no fault of the model (no budget, a document or a machine at fault) cannot break a rate: it
is undecided.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from imgassets.decision import power
from imgassets.decision.pairing import FAILURE_MODES, Measured
from imgassets.decision.statistics import RateEstimate
from imgassets.spec.contract import Endpoint
from imgassets.spec.failures import NOT_THE_MODELS

#: Stands for every mode that is neither listed in the contract nor occurred.
OTHER = "other"


@dataclass(frozen=True)
class FailureEvidence:
    """How often one mode occurred.

    Attributes:
        mode: a failure mode, or `other`.
        max_rate: the contract's.
        estimate: the candidate's rate over all requests of all flows; None without requests.
        incumbent: the incumbent's rate, None where it is not compared or unknown.
        n_prompts: prompts asked for.
        n_seeds: seeds a prompt.
        examples: its messages, the most common one first; at most five.
    """

    mode: str
    max_rate: float
    estimate: RateEstimate | None
    incumbent: float | None
    n_prompts: int
    n_seeds: int
    examples: tuple[str, ...] = ()

    @property
    def hard(self) -> bool:
        """Whether one occurrence decides."""
        return self.max_rate == 0.0

    @property
    def p_passed(self) -> float:
        if self.estimate is None:
            return 1.0
        if self.hard:
            return 1.0 if self.estimate.count else 0.0
        return self.estimate.p_at_most(self.max_rate)

    @property
    def p_broken(self) -> float:
        if self.estimate is None or self.mode in NOT_THE_MODELS:
            return 1.0
        if self.hard:
            return 0.0 if self.estimate.count else 1.0
        return self.estimate.p_at_least(self.max_rate)

    def further_prompts(self, alpha: float) -> int | None:
        """Prompts to add so that the rate is settled, if it stays as measured."""
        rate = self.estimate
        if rate is None or self.hard or rate.value == self.max_rate or not self.n_prompts:
            return None
        if rate.count == 0:
            needed = power.agreeing_prompts_needed(1 - self.max_rate, alpha)
        else:
            independent = power.requests_needed(rate.value, self.max_rate, alpha)
            clustering = rate.n / rate.effective_n
            needed = None if independent is None else math.ceil(independent * clustering)
        if needed is None:
            return None
        per_prompt = rate.n / self.n_prompts
        return max(1, -int(-needed // per_prompt) - self.n_prompts)

    def seeds_needed(self, alpha: float) -> int | None:
        """Seeds a prompt, in all, that would show the rate to hold, if none fails.

        None where a request failed: failures cluster in prompts, which more seeds do not mend.
        """
        rate = self.estimate
        if rate is None or self.hard or rate.count or not self.n_seeds:
            return None
        needed = power.agreeing_prompts_needed(1 - self.max_rate, alpha)
        seeds = 0 if needed is None else -int(-needed // (rate.n / self.n_seeds))
        return seeds if self.n_seeds < seeds <= power.MOST_SEEDS else None


def gather_failures(
    endpoint: Endpoint, candidate: Measured, incumbent: Measured | None
) -> tuple[FailureEvidence, ...]:
    """Evidence on every mode listed or occurred, then on all others together."""
    images = _begun(candidate.images)
    occurred = set(images["status"]) - {"ok"}
    listed = [f.mode for f in endpoint.failure_modes]
    shown = [m for m in FAILURE_MODES if m in occurred or m in listed]
    rest = [m for m in FAILURE_MODES if m not in shown]
    modes = [(mode, [mode], endpoint.max_failure_rate(mode)) for mode in shown]
    if rest:
        modes.append((OTHER, rest, 0.0))
    rival = None if incumbent is None else _begun(incumbent.images)
    return tuple(_evidence(name, members, rate, images, rival) for name, members, rate in modes)


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
    name: str,
    members: list[str],
    max_rate: float,
    images: pd.DataFrame,
    incumbent: pd.DataFrame | None,
) -> FailureEvidence:
    failed = images["status"].isin(members)
    rival = None if incumbent is None else incumbent["status"].isin(members)
    messages = images.loc[failed, "message"] if "message" in images.columns else pd.Series([])
    said = Counter(str(m) for m in messages if isinstance(m, str) and m)
    examples = tuple(message for message, _ in said.most_common(5))
    return FailureEvidence(
        mode=name,
        max_rate=max_rate,
        estimate=RateEstimate.of(failed, images["prompt_id"]) if len(images) else None,
        incumbent=None if rival is None or not len(rival) else float(rival.mean()),
        n_prompts=int(images["prompt_id"].nunique()),
        n_seeds=int(images["seed"].nunique()),
        examples=examples,
    )
