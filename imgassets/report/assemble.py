"""From the tables of an endpoint's models to what its report shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from imgassets.decision import Comparison, Measured, Verdict
from imgassets.decision.heard import heard
from imgassets.decision.matrix import cost_quality_matrix
from imgassets.documents.answers import Answer
from imgassets.documents.contract import Endpoint
from imgassets.documents.price import Price
from imgassets.report.diff import Describe
from imgassets.report.inputs import ImagePair, Load, ReportInput
from imgassets.report.pairs import deciding, passed_margins, select_pairs
from imgassets.report.pilot_view import LastPilot


def assemble(
    endpoint: Endpoint,
    measured: Mapping[str, Measured],
    comparisons: Mapping[str, Comparison],
    verdicts: Sequence[Verdict],
    *,
    load: Load,
    request: Callable[[str], Mapping[str, Any]],
    prices: Mapping[str, Price],
    provenance: Mapping[str, Any],
    repetitions: Mapping[str, Sequence[Mapping[str, Any]]],
    describe: Describe,
    answers: Mapping[str, Sequence[Answer]],
    created: str,
    pilots: Sequence[LastPilot] = (),
) -> ReportInput:
    """Choose the pairs to show, look up their requests, and put costs beside quality.

    Args:
        endpoint: the contract.
        measured: by model, the incumbent included.
        comparisons: by model.
        verdicts: in the order to show them.
        load: PNG bytes of an image key.
        request: the full request of an image key; raises KeyError where the image failed.
        prices, provenance, repetitions, describe, created, pilots: see `ReportInput`.
        answers: by model, what people said; what is of other images is left out.
    """
    pairs = _pairs(endpoint, measured, verdicts, load)
    return ReportInput(
        endpoint=endpoint,
        verdicts=verdicts,
        comparisons=comparisons,
        pairs=pairs,
        load=load,
        requests=_requests_of(pairs.values(), request),
        images={model: mine.images for model, mine in measured.items()},
        provenance=provenance,
        repetitions=repetitions,
        describe=describe,
        answers={
            model: heard(said, measured[model], measured[endpoint.incumbent]).answers
            for model, said in answers.items()
        },
        matrix=cost_quality_matrix(endpoint, measured, comparisons),
        prices=prices,
        created=created,
        pilots=pilots,
    )


def _pairs(
    endpoint: Endpoint, measured: Mapping[str, Measured], verdicts: Sequence[Verdict], load: Load
) -> dict[str, list[ImagePair]]:
    """By model: those behind its verdict first."""
    about = {verdict.model: deciding(verdict) for verdict in verdicts}
    passed = {verdict.model: passed_margins(verdict) for verdict in verdicts}
    return {
        model: select_pairs(
            endpoint,
            mine,
            None if model == endpoint.incumbent else measured[endpoint.incumbent],
            about=about.get(model, ()),
            passed=passed.get(model, {}),
            load=load,
        )
        for model, mine in measured.items()
    }


def _requests_of(
    pairs: Iterable[Sequence[ImagePair]], request: Callable[[str], Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """The request of each image shown, by its key; failed images have none."""
    requests = {}
    for pair in (pair for chosen in pairs for pair in chosen):
        for key in filter(None, (pair.candidate_key, pair.incumbent_key)):
            with suppress(KeyError):
                requests[key] = _with_source(request(key), request)
    return requests


def _with_source(
    own: Mapping[str, Any], request: Callable[[str], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The request of an edit or upscale with that of the image it starts from."""
    source = own.get("source")
    return own if source is None else {**own, "source_request": request(source)}
