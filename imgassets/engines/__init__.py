"""Engines that spread the batches of one image asset over workers: processes, or a Ray cluster.

`choice` reads `$IMGASSETS_ENGINE`; `team` hands out batches and survives lost workers, whatever
they are; a `crew` starts workers and talks to them: `processes` on this machine, `ray_actors` on a
cluster. `worker` is what runs in each of them. To add an engine: write a crew.
"""
