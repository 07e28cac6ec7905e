"""Planted faults: the product tests itself with what goes wrong in the field.

`catalogue` lists the faults, `pixels` and `words` plant those that need no model (images and
requests), `detection` says how often the decision rule catches one. Faults inside a pipeline are
planted by `imgassets.backends.faulty`; `imgassets.selftest.run` runs them all.
"""
