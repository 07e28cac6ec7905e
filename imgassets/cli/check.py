"""`imgassets check`."""

from __future__ import annotations

import sys

from imgassets.cli.options import NOT_OK, OK, Json
from imgassets.documents.problems import listed
from imgassets.documents.project import load_project, to_json


def check(json: Json = False) -> int:
    """Validate contracts, models and prompt sets.

    Prints every problem as FILE:LINE: FIELD: what is wrong [fix: how to mend it]. Exit 1 if there
    is any. Loads no model.
    """
    from imgassets.documents import (
        affordable,
        prompt_syntax,
        reachable,
        review_hints,
        scale_ends,
        sequence_length,
    )
    from imgassets.judges import vocabulary
    from imgassets.storage import calibrations
    from imgassets.storage.project_home import home_of

    project = load_project()
    problems = vocabulary.all_problems(project)
    known = calibrations.calibrations_of(home_of(project.root))
    hints = [
        *prompt_syntax.hints(project),
        *scale_ends.hints(project),
        *vocabulary.hints(project),
        *reachable.hints(project),
        *review_hints.hints(project),
        *affordable.hints(project),
        *sequence_length.hints(project),
        *calibrations.hints(project, known),
    ]
    for line in listed(hints).splitlines():
        print(f"hint: {line}", file=sys.stderr)
    if json:
        print(to_json(problems))
    else:
        if problems:
            print(listed(problems))
        print(
            f"{len(project.endpoints)} endpoint(s), {len(project.models)} model(s), "
            f"{len(project.prompt_sets)} prompt set(s): "
            + (f"{len(problems)} problem(s)" if problems else "all valid")
        )
    return NOT_OK if problems else OK
