"""ICC profiles written by hand, and what their colors are by the published formulas.

The product converts with LittleCMS; here nothing of it is used, so the two can be compared.
Layout: ICC.1:2001-04. Primaries: IEC 61966-2-1 (sRGB), SMPTE EG 432-1 with the sRGB curve
(Display P3), Adobe RGB (1998), ISO 22028-2 (ROMM, called ProPhoto).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

D50 = np.array([0.9642, 1.0, 0.8249])
D65 = np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
Curve = Callable[[np.ndarray], np.ndarray]


def srgb_curve(encoded: np.ndarray) -> np.ndarray:
    """Encoded 0..1 to linear."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def power_curve(gamma: float) -> Curve:
    """`encoded ** gamma`."""
    return lambda encoded: encoded**gamma


def adapted(xyz: np.ndarray, white: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Colors (..., 3) seen under another white, by the Bradford transform."""
    gains = (_BRADFORD @ to) / (_BRADFORD @ white)
    return xyz @ (np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD).T


@dataclass(frozen=True)
class RgbSpace:
    """Primaries (x, y) of red, green and blue, the white, and the curve of all channels."""

    name: str
    primaries: tuple[tuple[float, float], ...]
    white: np.ndarray
    curve: Curve

    @property
    def matrix(self) -> np.ndarray:
        """Linear RGB to XYZ under D50."""
        columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in self.primaries]).T
        columns = columns * np.linalg.solve(columns, self.white)
        return adapted(columns.T, self.white, D50).T

    def xyz(self, levels: np.ndarray) -> np.ndarray:
        """uint8 (..., 3) to XYZ under D50."""
        return self.curve(levels / 255.0) @ self.matrix.T

    def profile(self) -> bytes:
        """The ICC profile: three colorants and a curve of 4096 entries."""
        curve = _curve(self.curve(np.linspace(0, 1, 4096)))
        tags = {f"{c}XYZ": _xyz(self.matrix[:, i]) for i, c in enumerate("rgb")}
        return _profile(self.name, "mntr", "RGB ", "XYZ ", tags | {f"{c}TRC": curve for c in "rgb"})


SRGB = RgbSpace("drawn sRGB", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), D65, srgb_curve)
DISPLAY_P3 = RgbSpace("Display P3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), D65, srgb_curve)
ADOBE_RGB = RgbSpace(
    "Adobe RGB (1998)", ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), D65, power_curve(563 / 256)
)
PROPHOTO = RgbSpace(
    "ProPhoto RGB", ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), D50, power_curve(1.8)
)


def gray_profile(gamma: float) -> bytes:
    """Gray with a power curve."""
    curve = _curve(np.linspace(0, 1, 4096) ** gamma)
    return _profile(f"Gray gamma {gamma:g}", "mntr", "GRAY", "XYZ ", {"kTRC": curve})


def inks_lab(inks: np.ndarray) -> np.ndarray:
    """Lab under D50 of inks (..., 4), 0..1: paper, filters by ink, a black that is not quite."""
    paper = np.array([0.94, 0.95, 0.90])
    passes = np.array([[0.02, 0.55, 0.75], [0.75, 0.04, 0.35], [0.97, 0.85, 0.04], [0.05] * 3])
    linear = paper * np.prod(1 - inks[..., None] * (1 - passes), axis=-2)
    return xyz_to_lab((linear / paper) @ SRGB.matrix.T, D50)


def cmyk_profile(nodes: int = 6) -> bytes:
    """CMYK by table: `inks_lab` at `nodes` steps an ink, exact there (every 51 levels for 6)."""
    steps = np.linspace(0, 1, nodes)
    lab = inks_lab(np.stack(np.meshgrid(steps, steps, steps, steps, indexing="ij"), axis=-1))
    scaled = np.stack([lab[..., 0] / 100 * 65280, *((lab[..., i] + 128) * 256 for i in (1, 2))], -1)
    table = scaled.round().clip(0, 65535).astype(">u2").tobytes()
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    ramp = struct.pack(">2H", 0, 65535)
    lut = b"mft2\0\0\0\0" + bytes([4, 3, nodes, 0]) + identity + struct.pack(">2H", 2, 2)
    return _profile(
        "Drawn inks", "prtr", "CMYK", "Lab ", {"A2B0": lut + 4 * ramp + table + 3 * ramp}
    )


def black_compensated(lab: np.ndarray, black: np.ndarray) -> np.ndarray:
    """XYZ under D50 of Lab colors once the darkest (its L*, neutral) becomes 0.

    Source: Adobe, Implementation of Black Point Compensation (2006); ISO 18619.
    """
    darkest = lab_to_xyz(np.array([min(black[0], 50.0), 0.0, 0.0]), D50)
    return D50 * (lab_to_xyz(lab, D50) - darkest) / (D50 - darkest)


def xyz_to_lab(xyz: np.ndarray, white: np.ndarray) -> np.ndarray:
    """CIE Lab."""
    t = xyz / white
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lab_to_xyz(lab: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Inverse of `xyz_to_lab`."""
    lightness, a, b = np.moveaxis(lab, -1, 0)
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    return white * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))


def _curve(linear: np.ndarray) -> bytes:
    values = (linear * 65535).round().astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(values)) + values.tobytes()


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(v) * 65536) for v in values))


def _profile(name: str, kind: str, space: str, pcs: str, tags: dict[str, bytes]) -> bytes:
    text = name.encode("ascii", "replace") + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    everything = {
        "desc": described, "cprt": b"text\0\0\0\0none\0", "wtpt": _xyz(D50), **tags
    }  # fmt: skip
    offset = 128 + 4 + 12 * len(everything)
    table, body = struct.pack(">I", len(everything)), b""
    for tag, data in everything.items():
        table += tag.encode() + struct.pack(">2I", offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12x4s4x20x4x3i48x", 128 + len(table) + len(body), 0x02400000,
        kind.encode(), space.encode(), pcs.encode(), b"acsp",
        *(round(float(v) * 65536) for v in D50),
    )  # fmt: skip
    return head + table + body
