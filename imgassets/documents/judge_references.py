"""What a contract and its judges cannot see of each other, and weights that are not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgassets.documents.contract import Endpoint
from imgassets.documents.judge import ONNX_FILE, AnyJudge, CenterFace, Shapes, SsdMobilenet
from imgassets.documents.problems import Problem, problem_at
from imgassets.documents.weights import hub_name, weights_folder
from imgassets.metrics.families import FAMILIES, METRICS

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project

Loc = tuple[str | int, ...]


def check_judges(project: Project) -> Iterator[Problem]:
    """Problems of judges that a contract names: no such judge, or one that judges something else.

    And of each judge whose weights are not there.
    """
    for loaded in project.judges.values():
        yield from _check_weights(project, loaded)
    for endpoint in project.endpoints.values():
        yield from _check_named(project, endpoint)
        yield from _check_measured(project, endpoint)


def _check_weights(project: Project, loaded: Loaded[AnyJudge]) -> Iterator[Problem]:
    judge = loaded.document
    if isinstance(judge, Shapes) or hub_name(judge.weights) is not None:
        return
    folder = weights_folder(project.root, judge.weights)
    if isinstance(judge, (SsdMobilenet, CenterFace)):
        there = (folder / ONNX_FILE).is_file()
        wanted = ONNX_FILE
    else:
        there = any(folder.glob("*.safetensors")) and (folder / "config.json").is_file()
        wanted = "config.json and weights as *.safetensors"
    if not there:
        yield problem_at(
            loaded,
            ("weights",),
            f"no {wanted} in {folder}",
            "put the weights there, or correct the path (hub:OWNER/NAME for the hub)",
        )


def _check_named(project: Project, loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    for family, name in loaded.document.judges.items():
        loc = ("judges", family)
        judge = project.judges.get(name)
        if judge is None:
            if ("judges", name) not in project.broken:
                able = [n for n, j in project.judges.items() if family in j.document.families]
                close = difflib.get_close_matches(name, able, n=1)
                fix = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(able)}"
                message = f"no valid contracts/judges/{name}.yaml, and no embedded judge {name!r}"
                yield problem_at(loaded, loc, message, fix)
        elif family not in judge.document.families:
            able = [n for n, j in project.judges.items() if family in j.document.families]
            yield problem_at(
                loaded,
                loc,
                f"judge {name} ({judge.document.kind}) does not judge {family}",
                f"name one that does: {', '.join(able)}"
                if able
                else "write contracts/judges/NAME.yaml of another kind; see docs/judges.md "
                "(examples: contracts/judges/examples)",
            )


def _check_measured(project: Project, loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    """Criteria on metrics that need a judge the contract does not name, or one of another kind."""
    used = loaded.document.judges_used
    for i, criterion in enumerate(loaded.document.criteria):
        metric = METRICS.get(criterion.metric)
        if metric is None or not FAMILIES[metric.family].judged:
            continue
        loc: Loc = ("criteria", i, "metric")
        judge = project.judges.get(used.get(metric.family, ""))
        if metric.family not in used:
            message = f"{metric.name} needs a judge, and the contract names none"
            kinds = " or ".join(metric.judged_by or ("centerface",))
            fix = f"add `judges: {{{metric.family}: NAME}}`, a judge of kind {kinds}"
            yield problem_at(loaded, loc, message, fix)
        elif judge and metric.judged_by and judge.document.kind not in metric.judged_by:
            message = f"judge {used[metric.family]} ({judge.document.kind}) gives no {metric.name}"
            kinds = " or ".join(metric.judged_by)
            yield problem_at(loaded, loc, message, f"name a judge of kind {kinds}")
