"""Measures how far the batch moves a learned judge's answers, into docs/metrics/alignment.md.

    python -m imgassets_tests.benchmarks.learned_judges [--device cuda]

On small models with random weights: trained ones need the hub.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version

from imgassets_tests.benchmarks.pages import FOLDER, replace_part, table
from imgassets_tests.judges.test_batches import JUDGES, differences

DTYPES = ("float32", "bfloat16")


def main() -> None:
    """Writes the part BATCHES of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    device = parser.parse_args().device
    rows, worst = [], dict.fromkeys(DTYPES, 0.0)
    for kind, make, ask in JUDGES:
        row = [make.__name__, f"`{kind}`"]
        for dtype in DTYPES:
            twice, batched = differences(kind, make, ask, device, dtype)
            worst[dtype] = max(worst[dtype], batched)
            row += [f"{twice:.0e}" if twice else "0", f"{batched:.1e}" if batched else "0"]
        rows.append(row)
        print(*row)
    head = ["small model", "kind", *(f"{d}, {w}" for d in DTYPES for w in ("twice", "1 or 4"))]
    said = " and ".join(f"{worst[dtype]:.1e} in {dtype}" for dtype in DTYPES)
    text = (
        f"On {device}, with torch {version('torch')} and transformers {version('transformers')}: "
        f"batches of 1 and 4 differ by **at most {said}**.\n\n{table(head, rows)}"
    )
    replace_part(FOLDER / "alignment.md", "BATCHES", text)


if __name__ == "__main__":
    main()
