"""How far it goes: 100,000 requests on S3, no-change runs on Postgres, a million images.

    nice -n -15 python -m imgassets_tests.benchmarks.scale [--small] [--no-demo]

SeaweedFS and Postgres (Debian's) run on loopback and are started and stopped here. `--small` is a
hundredth of it, to try the script. Writes docs/measurements/scale.md.
"""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/measurements/scale.md"
