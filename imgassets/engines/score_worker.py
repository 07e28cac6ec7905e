"""What runs in every worker that scores images: it keeps scorers loaded, and needs no GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from imgassets.documents.image_key import installed_version
from imgassets.documents.judge import AnyJudge
from imgassets.images.encoding import decode_png
from imgassets.metrics.families import FAMILIES

if TYPE_CHECKING:
    import numpy as np

    from imgassets.metrics.score_processes import Outcome, Task

#: Packages that any light family computes with, beside those that families and judges name.
_ALWAYS = ("imgassets", "numpy", "opencv-python-headless", "pillow", "rapidfuzz", "scipy")


@dataclass(frozen=True)
class ScoreOrder:
    """What some images are scored by.

    Attributes:
        name: of the context, by its content.
        context: a branch without its images, as `score_processes.context_of` packs it.
    """

    name: str
    context: bytes


@dataclass(frozen=True)
class ScoreTask:
    """Some images of an order, with the files that families look at, by image key."""

    tasks: Sequence[Task]
    files: Mapping[str, bytes]


class SentImages:
    """Images that came with a task, in place of a store."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read_bytes(self, key: str) -> bytes:
        """The file."""
        return self._files[key]

    def read_array(self, key: str) -> np.ndarray:
        """The pixels: uint8, (H, W, 3), sRGB."""
        import numpy as np

        return np.asarray(decode_png(self._files[key]).convert("RGB"))


def scoring_versions() -> dict[str, str]:
    """Versions of what can change a score, in this process."""
    light = [kind for kind in get_args(AnyJudge) if not kind.learned]
    named = (name for what in (*FAMILIES.values(), *light) for name in what.libraries)
    return {name: installed_version(name) for name in sorted({*_ALWAYS, *named})}


class ScoreWorker:
    """Scores images; scorers of the latest few branches stay loaded."""

    def versions(self) -> dict[str, str]:
        """See `scoring_versions`."""
        return scoring_versions()

    def make(self, order: ScoreOrder, task: ScoreTask) -> list[dict[str, Outcome]]:
        """What becomes of each image in each family that is asked for, in order.

        Raises:
            KeyError: a file is missing that a family looks at.
            JudgeError: a judge cannot be loaded.
        """
        from imgassets.metrics.score_processes import score_sent

        return score_sent(order.name, order.context, task.tasks, SentImages(task.files))
