"""One check for all documents: a broken one fails it in words, and stops nothing else."""

import dagster as dg

from imgassets.defs.metadata import markdown_table
from imgassets.defs.resources import ProjectResource
from imgassets.documents.base import fingerprint
from imgassets.documents.problems import Problem
from imgassets.documents.project import Project

ALL_DOCUMENTS = dg.AssetKey(["documents", "all"])
_NAME = "every_document_is_valid"
_SHOWN = 100


def all_documents() -> dg.AssetSpec:
    """What the check belongs to: the documents as a whole."""
    return dg.AssetSpec(
        ALL_DOCUMENTS,
        group_name="inputs",
        kinds={"yaml"},
        description="Everything under contracts/ and prompts/. A broken document is left out of "
        "the graph, and fails the check here; all other branches still work.",
    )


def document_check() -> dg.AssetChecksDefinition:
    """Whether every document can be used, with file, line, field and fix of what cannot."""

    @dg.asset_check(asset=ALL_DOCUMENTS, name=_NAME, description="The same as `imgassets check`.")
    def every_document_is_valid(workplace: ProjectResource) -> dg.AssetCheckResult:
        from imgassets.judges.vocabulary import all_problems

        problems = all_problems(workplace.project())
        return dg.AssetCheckResult(
            passed=not problems, description=_words(problems), metadata=_metadata(problems)
        )

    return every_document_is_valid


def check_evaluation(project: Project) -> tuple[dg.AssetCheckEvaluation, str]:
    """The check's outcome as an event without a run, and a hash that tells outcomes apart."""
    from imgassets.judges.vocabulary import all_problems

    problems = all_problems(project)
    evaluation = dg.AssetCheckEvaluation(
        asset_key=ALL_DOCUMENTS,
        check_name=_NAME,
        passed=not problems,
        metadata={k: dg.MetadataValue.md(v) for k, v in _metadata(problems).items()},
        description=_words(problems),
    )
    return evaluation, fingerprint([str(p) for p in problems])


def _words(problems: list[Problem]) -> str:
    return "\n".join(str(p) for p in problems[:_SHOWN]) or "all documents are valid"


def _metadata(problems: list[Problem]) -> dict[str, str]:
    if not problems:
        return {"problems": "none"}
    import pandas as pd

    return {"problems": markdown_table(pd.DataFrame([p.__dict__ for p in problems[:_SHOWN]]))}
