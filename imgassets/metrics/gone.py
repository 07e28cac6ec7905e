"""Metrics that contracts could name once and nothing measures: what to use instead."""

from __future__ import annotations

from imgassets.metrics.family import Metric

_REPEATED = "drop it: the job revalidate repeats requests, and drift asks for a person by itself"
_NO_TRUTH = "use upscaling.consistency_{}: no image has a high-resolution truth to be held against"

#: They are still read, so that a contract that names one is told what to do, at its line.
GONE: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("reproducibility.identical", "higher", "share", _REPEATED),
        Metric("reproducibility.max_difference", "lower", "levels", _REPEATED),
        Metric("reproducibility.psnr", "higher", "dB", _REPEATED),
        Metric("reproducibility.ssim", "higher", "similarity", _REPEATED),
        Metric("reproducibility.hash_bits", "lower", "bits", _REPEATED),
        Metric("upscaling.psnr", "higher", "dB", _NO_TRUTH.format("psnr"), ("upscale",)),
        Metric("upscaling.ssim", "higher", "similarity", _NO_TRUTH.format("ssim"), ("upscale",)),
    )
}
