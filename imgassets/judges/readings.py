"""What a region is, and what else it may be: the doubts of the detector of flat shapes.

A doubt is about what the detector cannot see well: a cut, a turn, a stretch, little contrast, a
small size. A shape drawn badly is no doubt but a fault, and only lowers the confidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from imgassets.judges.regions import FAINT_TRUSTED_DELTA_E, MIN_AREA_SHARE, Region
from imgassets.judges.shape_variants import CutMatch, match_cut, match_turned
from imgassets.judges.shapes import DOUBTFUL_OVERLAP, ShapeMatch, confidence, match_shape

#: Confidence from which on a shape that cannot be trusted is worth a doubt; GenEval's for counting.
SURE = 0.9
#: Width over height, or height over width, up to which a shape is trusted.
TRUSTED_ASPECT = 2.0
#: Share of its width or height up to which a shape may lie beyond the border.
TRUSTED_CUT = 0.32

_TURNED_LEAD = 0.01  # of the overlap of a turned shape over that of an upright one
_CUT_LEAD = 0.03  # the same of a cut shape over a whole one of another name
_RIVAL = 0.04  # what a second reading's overlap may be short of the first's
_SOUND = 0.08  # above DOUBTFUL_OVERLAP, a cut shape is worth a doubt
_CERTAIN_OVERLAP = 0.95  # of an upright shape: no turned one fits better
_QUADRANGLES = ("square", "diamond")
_WIDEST_BAND = 1.5  # of what touches two opposite sides: ground and sky are no squares


@dataclass(frozen=True)
class Reading:
    """What a region is.

    Attributes:
        shape: the best name in `SHAPES`.
        score: how surely, 0..1.
        doubt: why it cannot be told; empty when it can.
        may_be: what it may be where in doubt; None among them: no object at all.
    """

    shape: str
    score: float
    doubt: str = ""
    may_be: tuple[str | None, ...] = ()


def read(region: Region) -> Reading | None:
    """The reading of a region; None for what is certainly no object."""
    match = match_shape(region.mask)
    height, width = region.mask.shape
    aspect = width / height
    plain = Reading(match.shape, confidence(match, aspect))
    if region.touches:
        found = _at_border(region, match, plain)
    else:
        found = _turned(region, match, plain) or plain
    for doubt in _limits(region, aspect):
        sure = SURE if region.area_share < MIN_AREA_SHARE else SURE / 2
        if region.is_faint and region.touches:
            return None  # colors drift there
        if not found.doubt and found.score <= sure:
            return None if region.is_faint or region.area_share < MIN_AREA_SHARE else found
        may_be = (*(found.may_be or (found.shape,)), None)
        return replace(found, doubt=found.doubt or doubt, may_be=tuple(dict.fromkeys(may_be)))
    return found


def _limits(region: Region, aspect: float) -> list[str]:
    """What speaks against trusting a region, in words."""
    stretch = max(aspect, 1 / aspect)
    return [
        text
        for holds, text in (
            (region.area_share < MIN_AREA_SHARE, f"covers {region.area_share:.1%} of the image"),
            (
                region.contrast < FAINT_TRUSTED_DELTA_E,
                f"differs from the background by {region.contrast:.0f} (Delta E) only",
            ),
            (stretch > TRUSTED_ASPECT, f"is {stretch:.1f} times as long as wide"),
        )
        if holds
    ]


def _turned(region: Region, match: ShapeMatch, plain: Reading) -> Reading | None:
    """The doubt of a shape that fits better turned; None where an upright one will do."""
    sure = plain.score > SURE
    if sure and match.overlap > _CERTAIN_OVERLAP and match.shape not in _QUADRANGLES:
        return None
    turned = match_turned(region.mask)
    if turned.overlap < match.overlap + _TURNED_LEAD or (
        sure and turned.shape == match.shape != "square"
    ):
        return None
    height, width = region.mask.shape
    score = confidence(turned, width / height)
    if score <= SURE:
        return None
    may_be = _QUADRANGLES if turned.shape == "square" else (turned.shape, None)
    return Reading(turned.shape, score, "is turned", may_be)


def _at_border(region: Region, match: ShapeMatch, plain: Reading) -> Reading:
    height, width = region.mask.shape
    cuts = match_cut(region.mask, region.touches)
    if not cuts:
        band = abs(math.log(width / height)) > math.log(_WIDEST_BAND)
        return Reading(plain.shape, 0.0) if band else plain
    best = cuts[0]
    others = [
        cut for cut in cuts if cut.shape != plain.shape and cut.overlap > match.overlap - _RIVAL
    ]
    if plain.score > SURE and not any(_is_sound(cut) for cut in others):
        return plain
    rivals = [cut for cut in cuts if cut.overlap > best.overlap - _RIVAL and _is_sound(cut)]
    if not rivals:
        return plain
    lead = best.overlap - cuts[1].overlap
    score = confidence(ShapeMatch(best.shape, best.overlap, lead), 1.0)
    # Where the whole shape has a good name too, a cut one takes its place only by a clear lead.
    contested = plain.score > SURE and best.overlap < match.overlap + _CUT_LEAD
    if best.cut <= TRUSTED_CUT and score > SURE and (best.shape == plain.shape or not contested):
        return Reading(best.shape, score)
    names = [cut.shape for cut in rivals] + [plain.shape] * contested
    return Reading(best.shape, score, "is cut by the border", (*dict.fromkeys(names), None))


def _is_sound(cut: CutMatch) -> bool:
    return cut.overlap > DOUBTFUL_OVERLAP[cut.shape] + _SOUND
