"""Measuring instruments that look at images: detectors and OCR. To swap one, see CONTRIBUTING.

A judge takes pixels and says what it sees; whether that is right is for `imgassets.metrics`.
"""
