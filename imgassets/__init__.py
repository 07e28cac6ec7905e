"""imgassets: turns the swap of an image model into a decision that can be defended.

Contracts and prompt sets (YAML) go in; images, metric tables, comparisons and a verdict come out,
each one a Dagster asset. Start reading at `imgassets.definitions` (the graph) or at
`imgassets.requests` (the row everything hinges on).
"""

from imgassets.telemetry import switch_off

__version__ = "0.1.0"

switch_off()
