"""How long a server says a request waited and was made: the `Server-Timing` header (W3C).

`queue;dur=12.1, make;dur=340.0, batch;desc="4", memory;desc="812.5"` (milliseconds, MiB).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER, ID_HEADER = "server-timing", "x-request-id"
_PART = re.compile(r'(\w+);(?:dur=([0-9.]+)|desc="([0-9.]+)")')


@dataclass
class Timing:
    """One request, as the server saw it.

    Attributes:
        queue, make: seconds it waited for its batch, and its batch took; 0 where no image was made.
        batch: images of that batch.
        memory: highest memory while it ran, MiB.
    """

    queue: float = 0.0
    make: float = 0.0
    batch: int = 0
    memory: float = 0.0

    def header(self) -> str:
        """As the value of `Server-Timing`."""
        return (
            f"queue;dur={self.queue * 1e3:.3f}, make;dur={self.make * 1e3:.3f}, "
            f'batch;desc="{self.batch}", memory;desc="{self.memory:.1f}"'
        )

    @classmethod
    def read(cls, header: str) -> Timing | None:
        """From a header; None where it tells no making time."""
        parts = {n: float(ms or number) for n, ms, number in _PART.findall(header)}
        if not {"queue", "make"} <= parts.keys():
            return None
        return cls(
            parts["queue"] / 1e3,
            parts["make"] / 1e3,
            int(parts.get("batch", 0)),
            parts.get("memory", 0.0),
        )
