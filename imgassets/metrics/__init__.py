"""One file a family: pure functions from arrays to numbers, and `score`s from images.

An image is `uint8 (H, W, 3), sRGB, 0..255`. A family's `score(image, expectation)` returns
`Score`s for what the expectation asks; what it does not ask is not judged and yields nothing.
"""
