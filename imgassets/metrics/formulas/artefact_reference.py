"""Faults that only show beside another image of the same request: the reference.

For images that ought to show the same pixels (a replicate, the same model after a change of its
pipeline), each measure isolates one kind of fault; SSIM and perceptual hashes miss most of them.
Two different models draw different pictures: compare those by distribution, in `drift`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imgassets.images.filters import ciede2000, lab, laplacian
from imgassets.images.pixels import Pixels, check_pair, check_rgb
from imgassets.metrics.formulas.artefact_patterns import luma
from imgassets.metrics.formulas.fidelity import ssim_map

WINDOW = 32
#: The eight ways to lay an image, by the change that leads to them from upright.
_LAYS = (
    "upright", "turned 90", "turned 180", "turned 270",  # clockwise
    "mirrored", "mirrored, turned 90", "mirrored, turned 180", "mirrored, turned 270",
)  # fmt: skip


@dataclass(frozen=True)
class Differences:
    """How an image differs from its reference; each names the fault it is there for.

    Attributes:
        lab_shift: distance of the mean CIELAB colors, 0 and up (cast, BGR swap, lost profile).
        delta_e: mean CIEDE2000 over pixels, 0 and up (any change of color).
        contrast: standard deviation of luma / that of the reference; 1 is equal (16-235 range, VAE
            scale).
        gamma: exponent that best maps the reference's luma to the image's; 1 is equal (gamma
            applied twice is about .45 or 2.2).
        signed_mean: mean difference in levels, -255..255 (floor instead of round: -.5).
        sharpness: energy of the Laplacian / that of the reference; 1 is equal (wrong filter below
            1, oversharpened above).
        worst_window: largest mean absolute difference of a 32 px window, levels, 0..255 (one black
            tile).
        worst_ssim: smallest mean SSIM of a 32 px window, -1..1 (watermark).
        shift_x, shift_y: displacement in pixels (half-pixel shift).
        scale: enlargement against the reference; 1 is equal (2 % zoom).
        channel_swap: whether the image fits the reference better with red and blue exchanged.
        orientation: `upright`, or how the image lies against the reference (EXIF lost).
    """

    lab_shift: float
    delta_e: float
    contrast: float
    gamma: float
    signed_mean: float
    sharpness: float
    worst_window: float
    worst_ssim: float
    shift_x: float
    shift_y: float
    scale: float
    channel_swap: bool
    orientation: str


def differences(image: Pixels, reference: Pixels) -> Differences:
    """Every measure of an image against its reference.

    Args:
        image, reference: uint8, (H, W, 3), sRGB, of one size of at least 32 px.

    Raises:
        BadImageError: not two RGB images of one size.

    Agreement: CIEDE2000 and SSIM are scikit-image's; shift equals scikit-image's phase
    correlation within .2 px on photographs.
    """
    image, reference = check_pair(image, reference, least=WINDOW)
    colors, wanted = lab(image), lab(reference)
    plane, plane_reference = luma(image), luma(reference)
    shift_x, shift_y, scale = registration(image, reference)
    return Differences(
        lab_shift=float(np.linalg.norm(colors.mean(axis=(0, 1)) - wanted.mean(axis=(0, 1)))),
        delta_e=float(ciede2000(wanted, colors).mean()),
        contrast=_ratio(float(plane.std()), float(plane_reference.std())),
        gamma=gamma(plane, plane_reference),
        signed_mean=float((image.astype(np.float64) - reference).mean()),
        sharpness=_ratio(_laplacian_energy(plane), _laplacian_energy(plane_reference)),
        worst_window=float(_windows(np.abs(image.astype(float) - reference).mean(axis=2)).max()),
        worst_ssim=float(_windows(ssim_map(plane, plane_reference)).min()),
        shift_x=shift_x,
        shift_y=shift_y,
        scale=scale,
        channel_swap=_channel_swap(image, reference),
        orientation=orientation(image, reference),
    )


def gamma(plane: np.ndarray, reference: np.ndarray) -> float:
    """Exponent g of the least-squares fit log(image) = g log(reference), over luma in 0..1.

    Pixels at either end (below 8 or above 247 of 255) carry no exponent and are left out; 1.0 when
    fewer than 100 remain.
    """
    usable = (reference > 8) & (reference < 247) & (plane > 8) & (plane < 247)
    if usable.sum() < 100:
        return 1.0
    x, y = np.log(reference[usable] / 255.0), np.log(plane[usable] / 255.0)
    return float((x * y).sum() / (x * x).sum())


def orientation(image: Pixels, reference: Pixels) -> str:
    """Which of the eight ways to lay the image fits the reference best (16 x 16 px thumbnails).

    `upright` unless another way is better by half: symmetric pictures stay upright.
    """
    thumbnail, wanted = (_thumbnail(check_rgb(x)) for x in (image, reference))
    errors = []
    for lay in range(8):
        candidate = np.rot90(thumbnail, lay % 4)  # undoes a clockwise turn of so many quarters
        candidate = candidate[:, ::-1] if lay >= 4 else candidate
        errors.append(float(np.abs(candidate - wanted).mean()))
    best = int(np.argmin(errors))
    return _LAYS[best] if errors[best] < 0.5 * errors[0] else _LAYS[0]


def registration(image: Pixels, reference: Pixels) -> tuple[float, float, float]:
    """Displacement and scale of an image against its reference.

    Returns:
        `(shift_x, shift_y, scale)`: pixels by which the image's center lies right of and below the
        reference's, and its enlargement; `(0, 0, 1)` where the images are too flat or too
        different to register. Source: enhanced correlation coefficient, Evangelidis and Psarakis
        (PAMI 2008), as OpenCV has it.
    """
    import cv2

    start = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5)
    try:
        _, found = cv2.findTransformECC(
            luma(reference), luma(image), start, cv2.MOTION_AFFINE, criteria
        )
    except cv2.error:  # flat, or nothing in common
        return 0.0, 0.0, 1.0
    matrix = np.asarray(found, np.float64)
    linear = matrix[:, :2]
    center = (np.array(image.shape[1::-1], float) - 1.0) / 2.0
    shift = linear @ center + matrix[:, 2] - center
    scale = float(np.sqrt(abs(np.linalg.det(linear))))
    return float(shift[0]), float(shift[1]), scale


def _channel_swap(image: Pixels, reference: Pixels) -> bool:
    """Whether exchanging red and blue halves the difference at least."""
    wanted = reference.astype(float)
    as_is = float(np.abs(image - wanted).mean())
    swapped = float(np.abs(image[..., ::-1] - wanted).mean())
    return swapped < 0.5 * as_is


def _laplacian_energy(plane: np.ndarray) -> float:
    return float((laplacian(plane) ** 2).mean())


def _windows(values: np.ndarray) -> np.ndarray:
    """Mean of each 32 px window, half overlapping."""
    from scipy.ndimage import uniform_filter

    half = WINDOW // 2
    means = uniform_filter(values, WINDOW, mode="nearest")
    return means[half : means.shape[0] - half + 1 : half, half : means.shape[1] - half + 1 : half]


def _thumbnail(image: Pixels) -> np.ndarray:
    import cv2

    return cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA).astype(float)


def _ratio(value: float, reference: float) -> float:
    """A ratio that is 1 for two flat images."""
    quiet = 1e-3
    return (value + quiet) / (reference + quiet)
