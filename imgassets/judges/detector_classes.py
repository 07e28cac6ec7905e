"""What the detector of flat shapes can name, known without loading it.

Prompt sets are checked against these words, and that must take no time.
"""

from __future__ import annotations

RGB = tuple[int, int, int]

SHAPES: tuple[str, ...] = ("circle", "square", "triangle", "star", "diamond", "heart")

#: GenEval's ten color names plus cyan, gray and beige; sRGB prototypes, the typical one first.
#: Further prototypes of a name cover darker, lighter or purer variants of the same name.
COLOR_PROTOTYPES: dict[str, tuple[RGB, ...]] = {
    "red": ((214, 26, 34), (255, 0, 0), (160, 10, 20)),
    "orange": ((250, 130, 10), (255, 160, 30)),
    "yellow": ((252, 226, 20), (255, 255, 0), (255, 240, 110)),
    "green": ((24, 150, 50), (0, 220, 0), (10, 90, 30), (110, 200, 100)),
    "cyan": ((20, 205, 225), (0, 255, 255), (0, 160, 175)),
    "blue": ((20, 85, 230), (0, 0, 255), (10, 30, 130), (70, 130, 235)),
    "purple": ((145, 30, 150), (100, 20, 140), (165, 80, 200)),
    "pink": ((255, 130, 190), (255, 180, 205), (240, 70, 160)),
    "brown": ((120, 70, 25), (80, 45, 20), (150, 95, 50)),
    "black": ((0, 0, 0), (32, 32, 32)),
    "white": ((255, 255, 255), (236, 236, 236)),
    "gray": ((128, 128, 128), (90, 90, 90), (170, 170, 170)),
    "beige": ((214, 188, 148), (232, 215, 185)),
}
COLOR_NAMES: tuple[str, ...] = tuple(COLOR_PROTOTYPES)
#: GenEval's ten, in its order (evaluation/evaluate_images.py); judges of colors by CLIP know these.
GENEVAL_COLORS: tuple[str, ...] = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"
)  # fmt: skip
