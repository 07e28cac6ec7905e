"""Workers that score, in real processes, and are killed by some images.

`python -m imgassets_tests.engines.looking FD` is such a process.
"""

from __future__ import annotations

import os
import signal

from imgassets.engines.process_worker import main
from imgassets.engines.processes import Processes
from imgassets.engines.score_worker import ScoreOrder, ScoreTask, ScoreWorker
from imgassets.metrics.score_processes import Outcome

#: Names the image key whose image kills its scorer.
DEADLY = "IMGASSETS_TESTS_DEADLY_IMAGE"


class Looker(ScoreWorker):
    """Scores images as the product does."""

    def make(self, order: ScoreOrder, task: ScoreTask) -> list[dict[str, Outcome]]:
        if os.environ.get(DEADLY) in {one.image.image_key for one in task.tasks}:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().make(order, task)


class Lookers(Processes):
    """A crew of scorers."""

    module = "imgassets_tests.engines.looking"

    def pids(self) -> list[int]:
        """Of the workers that there are now."""
        return [process.pid for process in self._processes.values()]


if __name__ == "__main__":
    main(Looker())
