"""Engines that spread the images of one asset over workers: processes, or a Ray cluster.

`choice` reads `$IMGASSETS_ENGINE`; `teams` has the workers of a run, who make or score; a `team`
hands out tasks and survives lost workers, whatever they are; a `crew` starts workers and talks to
them: `processes` on this machine, `ray_actors` on a cluster. `worker` and `score_worker` are what
runs in each of them, `making` and `scoring` what goes out and comes back. To add an engine: write a
crew.
"""
