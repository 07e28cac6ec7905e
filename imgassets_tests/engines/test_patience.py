"""How long a worker may take before it counts as hanging."""

from __future__ import annotations

from imgassets.engines.patience import Pace, Patience


def test_the_limit_follows_from_how_long_tasks_took() -> None:
    pace = Pace(Patience(first=3600, later=600))
    assert pace.limit(0) == 3600
    pace.took(0, 900.0)  # it loaded a pipeline
    assert pace.limit(0) == 3600, "how long a loaded worker takes is not known yet"
    pace.took(0, 2.0)
    assert pace.limit(0) == 600
    pace.took(0, 60.0)
    assert pace.limit(0) == 1200


def test_a_worker_that_has_to_load_gets_the_time_for_it() -> None:
    pace = Pace(Patience(first=3600, later=600))
    for _ in range(2):
        pace.took(0, 2.0)
    assert pace.limit(1) == 3600
    pace.lost(0)
    assert pace.limit(0) == 3600
