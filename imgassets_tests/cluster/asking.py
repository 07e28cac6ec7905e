"""Processes that ask a fake provider for images, as machines with folders of their own would.

`python -m imgassets_tests.cluster.asking FIRST COUNT LIMITS FOLDER...`: one process a folder, each
asking for COUNT images that follow those of the one before; prints each one's outcomes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from imgassets_tests.backends.hosted_models import asked, backend_of, model_of


def main(first: int, count: int, limits: dict[str, object], folders: list[Path]) -> None:
    children = []
    for i, folder in enumerate(folders):  # forked: importing takes seconds of each
        child = os.fork()
        if not child:
            ask(folder, first + i * count, count, limits)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def ask(folder: Path, first: int, count: int, limits: dict[str, object]) -> None:
    model = model_of("gemini", limits)
    outcomes = backend_of(folder, model).generate(asked(model, first + count)[first:])
    line = json.dumps([outcome.failure for outcome in outcomes]) + "\n"
    os.write(sys.stdout.fileno(), line.encode())


if __name__ == "__main__":
    main(
        int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), [Path(a) for a in sys.argv[4:]]
    )
