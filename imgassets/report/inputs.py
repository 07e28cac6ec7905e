"""What a report is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from imgassets.decision import Comparison, Verdict
from imgassets.decision.matrix import Standing
from imgassets.documents.answers import Answer
from imgassets.documents.contract import Endpoint
from imgassets.documents.price import Price
from imgassets.report.diff import Describe, Facts
from imgassets.report.pilot_view import LastPilot

PairKind = Literal["failed", "worst", "changed"]
#: Gives the PNG bytes of an image key; raises LookupError or OSError where there is no image.
Load = Callable[[str], bytes]


class ReportError(ValueError):
    """The parts of a report do not belong together; the message says which."""


@dataclass(frozen=True)
class ImagePair:
    """One request as the incumbent and the candidate answered it.

    Attributes:
        kind: why it is shown: the candidate `failed`, scored `worst`, or pixels `changed` most.
        flow, prompt_id, seed, replicate: which request.
        candidate_key, incumbent_key: image keys; no incumbent where production itself is tested.
        metric: the metric it is shown for; empty for `failed` and `changed`.
        candidate_value, incumbent_value: scores on that metric, None where there is none.
        reason, incumbent_reason: what the metric said about each image, or why it failed.
        tells: whether it is shown for a criterion that decided, or that is the closest of a GO.
    """

    kind: PairKind
    flow: str
    prompt_id: str
    seed: int
    candidate_key: str
    incumbent_key: str | None = None
    replicate: int = 0
    metric: str = ""
    candidate_value: float | None = None
    incumbent_value: float | None = None
    reason: str = ""
    incumbent_reason: str = ""
    tells: bool = False


@dataclass(frozen=True)
class ReportInput:
    """Everything one endpoint's report shows.

    Attributes:
        endpoint: the contract.
        verdicts: one a model, in the order to show them.
        comparisons: by model; a verdict without one shows its sentence only.
        pairs: image pairs by candidate, in the order to show them (see `select_pairs`).
        load: gives the PNG bytes of an image key; None shows no images.
        requests: the full request by image key, as JSON-serialisable mappings.
        images: images tables by model, for messages of failed requests.
        provenance: what made this report: fingerprints, versions, commit; may be nested.
        matrix: from `cost_quality_matrix`; empty leaves the section out.
        prices: by model, for their source and date.
        answers: by model, what people said of its pairs, as far as it counts.
        repetitions: by model, how its images came out when made again; absent: not measured.
        rollout: the history of the endpoint's flag, as `imgassets rollout history --json` prints
            it; empty leaves the section out.
        pilots: the last one of each model; empty leaves the section out.
        previous: `report_document` of an earlier report; None leaves out what changed.
        describe: what changed in a document; None tells only that it did.
        created: when, as text; a parameter, so that a report is a function of its input.
    """

    endpoint: Endpoint
    verdicts: Sequence[Verdict]
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    pairs: Mapping[str, Sequence[ImagePair]] = field(default_factory=dict)
    load: Load | None = None
    requests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    images: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    matrix: Sequence[Standing] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    answers: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    repetitions: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    rollout: Sequence[Mapping[str, Any]] = ()
    pilots: Sequence[LastPilot] = ()
    previous: Facts | None = None
    describe: Describe | None = None
    created: str = ""

    def __post_init__(self) -> None:
        models = [v.model for v in self.verdicts]
        doubles = sorted({m for m in models if models.count(m) > 1})
        if doubles:
            raise ReportError(f"got two verdicts on {', '.join(doubles)}; pass one a model")
        for verdict in self.verdicts:
            if verdict.endpoint != self.endpoint.endpoint:
                raise ReportError(
                    f"got a verdict on endpoint {verdict.endpoint}, expected "
                    f"{self.endpoint.endpoint}; a report is about one endpoint"
                )
