"""The formulas of metrics: pure functions from arrays to numbers, and `score`s of one image.

An image is `uint8 (H, W, 3), sRGB, 0..255`. A `score` returns `Score`s for what it was asked; what
is not asked is not judged and yields nothing. Nothing here knows a table, a store or a project.
"""
