"""One file a family: pure functions from arrays to numbers, and one `score` from an image to scores.

An image is `uint8 (H, W, 3), sRGB, 0..255`. A family's `score(image, expectation)` returns
`Score`s for what the expectation asks; what it does not ask is not judged and yields nothing.
"""
