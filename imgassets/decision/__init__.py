"""From metric tables to a verdict: statistics, comparison with the incumbent, the rule.

Pure functions over tables; what the numbers mean is in `docs/decision.md`. Nothing here loads an
image, reads a file or knows Dagster.
"""

from imgassets.decision.comparison import Comparison, compare
from imgassets.decision.errors import DecisionError
from imgassets.decision.from_table import decide_table
from imgassets.decision.paired_scores import Measured
from imgassets.decision.verdict import Verdict, decide

__all__ = [
    "Comparison",
    "DecisionError",
    "Measured",
    "Verdict",
    "compare",
    "decide",
    "decide_table",
]
