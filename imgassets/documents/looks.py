"""Looking again costs alpha: how much of it each look at one comparison may spend.

Every look is another chance to approve a model that breaks a margin, so all looks together spend
no more than the contract's alpha, however many follow (the union bound over an alpha-spending
plan). Without a plan the first look gets nearly all, since most comparisons are looked at once;
each later one gets half of what is left. `decision.looks: N` in a contract divides alpha evenly.

Source: Lan and DeMets, Biometrika 70 (1983), with the union bound in place of the joint
distribution: looks by further seeds, prompts or repeats have none that is known.
"""

from __future__ import annotations

from imgassets.documents.criteria import Decision

#: Share of alpha that the first look gets where a contract plans none.
FIRST = 0.95


def share_of_look(number: int, planned: int | None) -> float:
    """The share of alpha that look `number` (from 1) may spend; all together at most 1.

    A planned number of looks that is used up leaves nothing: 0.
    """
    if planned is not None:
        return 1.0 / planned if number <= planned else 0.0
    return FIRST if number == 1 else (1.0 - FIRST) / 2.0 ** (number - 1)


def level(decision: Decision, number: int, candidates: int) -> float:
    """The level of each one-sided bound at a look.

    Arguments: `candidates` that the contract names; alpha is divided by it where the contract
    wants its level over all of them (`decision.over: all`; Bonferroni).
    """
    shared = max(1, candidates) if decision.over == "all" else 1
    return decision.alpha * share_of_look(number, decision.looks) / shared


def chance_of_any(decision: Decision, candidates: int) -> float:
    """Highest chance that any of several bad candidates is approved (union bound), 0..1."""
    each = decision.alpha if decision.over == "each" else decision.alpha / max(1, candidates)
    return min(1.0, each * candidates)
