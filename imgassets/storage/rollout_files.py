"""Where a project keeps the flags of its rollouts and their history: in the project, not its home.

ROOT/rollout/
  flags.json           one flag an endpoint, in flagd's format: what applications read
  history.jsonl        who changed a flag when, from what to what, and why
  .reserve             room for one more flags.json when the disk is full
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RolloutFiles:
    """The files of a project's rollouts; none of them need be there.

    Attributes:
        folder: `ROOT/rollout`.
    """

    folder: Path

    @property
    def flags(self) -> Path:
        """What applications read."""
        return self.folder / "flags.json"

    @property
    def history(self) -> Path:
        """What was done to the flags, one line each."""
        return self.folder / "history.jsonl"

    @property
    def reserve(self) -> Path:
        """Bytes kept for the way back."""
        return self.folder / ".reserve"


def rollout_files(root: Path) -> RolloutFiles:
    """Those of a project.

    Args:
        root: the project's folder, which holds `contracts/`.
    """
    return RolloutFiles(root / "rollout")
