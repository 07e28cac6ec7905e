"""Writes docs/metrics.md: every metric, how accurate its family is, and what to trust least.

    python -m imgassets_tests.benchmarks.metrics_page

Figures are read from the family pages under docs/metrics/, which their own commands write; a page
that lacks one stops this command, so that no figure here is older than its page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgassets.flows import FLOWS
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.family import Family, Metric
from imgassets_tests.benchmarks.pages import FOLDER, table

PAGE = FOLDER.parent / "metrics.md"
BEGIN, END = "<!-- METRICS: generated, do not edit -->", "<!-- /METRICS -->"


class MissingFigureError(LookupError):
    """A family page lacks a figure; run its command again, or mend the name here."""


@dataclass(frozen=True)
class Overview:
    """What the overview says of a family besides its own description.

    Attributes:
        page: its page under docs/metrics/, without `.md`.
        figure: the sentence with its key figure, from its page.
        beyond: what it measures that no contract names, and where.
    """

    page: str
    figure: Callable[[], str]
    beyond: str = ""


def cell(page: str, row: str, column: str) -> str:
    """One figure of a page: the first table that has both this row and this column.

    Raises:
        MissingFigureError: no table has.
    """
    for head, rows in _tables(FOLDER / f"{page}.md"):
        for line in rows:
            if column in head and line[0] == row and len(line) == len(head):
                return line[head.index(column)]
    raise MissingFigureError(f"docs/metrics/{page}.md has no figure {row!r} / {column!r}")


def bold(page: str, start: str) -> str:
    """The text in bold that starts like this.

    Raises:
        MissingFigureError: there is none.
    """
    for part in (FOLDER / f"{page}.md").read_text(encoding="utf-8").split("**")[1::2]:
        if part.startswith(start):
            return part
    raise MissingFigureError(f"docs/metrics/{page}.md has nothing in bold that starts {start!r}")


def _memory() -> str:
    """The figure of `metrics_memory`, which takes longest and may not have run yet."""
    try:
        return bold("speed", "10,000 images")
    except MissingFigureError:
        return "Memory over 10,000 images: not measured yet, run `metrics_memory`"


def _tables(path: Path) -> Iterator[tuple[list[str], list[list[str]]]]:
    block: list[list[str]] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            block.append([part.strip() for part in line.strip("|").split(" | ")])
        elif block:
            yield block[0], block[2:]
            block = []


def _composition() -> str:
    right = "verdict right"
    return (
        f"Verdicts right on {cell('composition', 'clean', right)} of "
        f"{cell('composition', 'clean', 'scenes')} drawn scenes, half of them planted wrong; "
        f"{cell('composition', 'all three', right)} after blur, noise and JPEG 60 together. "
        "On photographs nothing was measured."
    )


def _typography() -> str:
    ours = [cell("typography", height, "PP-OCRv6") for height in ("8", "16")]
    other = cell("typography", "16", "Tesseract")
    return (
        f"The reader's own CER is {ours[0]} at capitals of 8 px and {ours[1]} at 16 px "
        f"(Tesseract: {other}); it is reported beside every score as `typography.reader_cer`."
    )


def _artefacts() -> str:
    unusable = ("one color and noise", "one pixel less", "grayscale", "palette")
    shares = {cell("artefacts", row, "found, and nothing else") for row in unusable}
    return (
        f"Unusable files found, and nothing else: {', '.join(sorted(shares))} for each kind. "
        f"JPEG 75 gives blockiness {cell('artefacts', 'blockiness', 'photographs, planted')}, "
        f"clean photographs {cell('artefacts', 'blockiness', 'photographs')}, clean drawn scenes "
        f"{cell('artefacts', 'blockiness', 'drawn scenes')}: pattern measures hold on photographs, "
        "and need a margin against the incumbent on flat art."
    )


def _edits() -> str:
    return (
        "One pixel one level off outside the mask is seen (share "
        f"{cell('edit_stability', 'one pixel outside off by one', 'changed_outside')}); a round "
        "trip through a VAE changes "
        f"{cell('edit_stability', 'VAE round trip, sigma 1', 'changed_outside')} of the pixels, a "
        f"clean edit {cell('edit_stability', 'clean edit', 'changed_outside')}."
    )


def _stylization() -> str:
    kept, turned = (cell("stylization", r, "structure") for r in ("sepia", "turned by 180 degrees"))
    return (
        f"Structure is {kept} for sepia and {turned} for the photograph upside down; sepia changes "
        f"colors by {cell('stylization', 'sepia', 'change')}."
    )


def _upscaling() -> str:
    lanczos, oversharpened = (
        cell("upscaling", row, "consistency_psnr") for row in ("Lanczos", "Lanczos, oversharpened")
    )
    return (
        f"Consistency is {lanczos} dB for Lanczos, {oversharpened} oversharpened, "
        f"{cell('upscaling', 'Lanczos, half a pixel off', 'consistency_psnr')} half a pixel off; "
        f"tile seams of 3 levels raise `upscaling.seams` to "
        f"{cell('upscaling', 'Lanczos, tile seams +-3', 'seams')} (1 is none) and to "
        f"{cell('upscaling', 'truth, tile seams +-3', 'seams')} in rich detail."
    )


def _reproducibility() -> str:
    column = "max difference"
    return (
        f"One pixel, one level: max difference "
        f"{cell('reproducibility', 'one pixel, one level', column)}; SSIM of a BGR swap is "
        f"{cell('reproducibility', 'BGR swap', 'SSIM')}, so never gate on SSIM alone. The embedded "
        "model's own matrix is on the page."
    )


OVERVIEWS: dict[str, Overview] = {
    "composition": Overview(
        "composition", _composition,
        "Detectors for photographs, chosen in the contract: [judges](judges.md). What the embedded "
        "one can be trusted at: [photographs](metrics/photographs.md).",
    ),
    "typography": Overview("typography", _typography),
    "artefacts": Overview(
        "artefacts", _artefacts,
        "Color cast, gamma, swapped channels and repeats over a set of images: family `look`.",
    ),
    "edit_stability": Overview("edit_stability", _edits),
    "stylization": Overview(
        "stylization", _stylization,
        "What must still be seen: composition and typography on flow `stylize`.",
    ),
    "upscaling": Overview(
        "upscaling", _upscaling,
        "Invented text: typography before and after.",
    ),
    "look": Overview(
        "look",
        lambda: "Held by a margin either way. On drawn scenes gamma applied twice moves lightness "
        f"by {cell('look', 'gamma applied twice', 'lightness')}, a soft filter sharpness by "
        f"{cell('look', 'wrong resize filter', 'sharpness')}.",
    ),
    "alignment": Overview(
        "alignment",
        lambda: "Measured where a contract names a judge. On small models with random weights "
        f"batches of 1 and 4 differ by {bold('alignment', 'at most')}; on trained ones nothing was "
        "measured.",
    ),
    "faces": Overview(
        "alignment",
        lambda: "Measured where a contract names a judge of faces; see [judges](judges.md).",
    ),
    "review": Overview(
        "review",
        lambda: "Said by people, not measured: `imgassets review` asks them. With the truth at the "
        f"floor a criterion passes in {bold('review', 'at most')} of runs (20 to 80 prompts, level "
        "5 %).",
        "What people say of single images corrects other metrics.",
    ),
    "cost": Overview(
        "speed",
        lambda: "Measured when the image is made, not judged: the clock, the memory in use "
        "(sampled every 50 ms), and the price in the model's document.",
    ),
}  # fmt: skip


def _least_trusted() -> str:
    """The three metrics trusted least, from worst, with the figures that say so."""
    banding = [cell("artefacts", "banding", c) for c in ("photographs", "photographs, planted")]
    blocks = [cell("artefacts", "blockiness", c) for c in ("photographs, planted", "drawn scenes")]
    clean, leaked = (cell("edit_stability", r, "seam") for r in ("clean edit", "soft mask, 4 px"))
    strict = cell("typography", "large, 96 px", "strict")
    return "\n".join(
        [
            "1. **`artefacts.banding`**: planted banding (every 8th level) measures "
            f"{banding[1]}, clean photographs {banding[0]}. The ranges overlap: where a photograph "
            "has no smooth gradient, there is nothing to see banding in, and 0 means 'no gradient' "
            "as often as 'no banding'.",
            f"2. **`artefacts.blockiness`**: JPEG 75 on photographs measures {blocks[0]}, clean "
            f"drawn scenes {blocks[1]}. On flat art it cannot tell a fault from the picture; only "
            "the difference to the incumbent on the same prompts means anything.",
            f"3. **`edit_stability.seam`**: a clean hard-edged edit measures {clean} levels, a "
            f"mask that leaks 4 px only {leaked}. It finds visible borders, and cannot know "
            "whether the border was asked for.",
            "",
            f"Close behind: `typography.strict` (on scenes drawn without a fault it is {strict} "
            "at 96 px, since the reader takes O for 0; `typography.exact` folds look-alikes), and "
            "`composition.*` on photographs, where nothing was measured.",
            "",
        ]
    )


#: Measure, library, what was chosen where definitions differ, second implementation, tolerance.
LIBRARIES = (
    ("SSIM", "OpenCV (filter); scikit-image was 4 times as slow",
     "11 x 11 Gaussian, sigma 1.5, population covariance, data range 255",
     "scikit-image, the formula over SciPy", "1e-9"),
    ("PSNR", "OpenCV (exact sums of 8 bits)", "range 255; equal images are 120 dB",
     "scikit-image", "1e-4"),
    ("CIELAB, CIEDE2000", "numpy; scikit-image was twice as slow", "D65, 2 degrees; all weights 1",
     "scikit-image; the paper's published pairs", "1e-9; 1e-4"),
    ("Y of upscaling", "numpy", "BT.601 studio range, not rounded, as BasicSR",
     "scikit-image's PSNR on it", "1e-4"),
    ("resizing", "Pillow", "bicubic, antialiased (small); Lanczos (large)", "-", "-"),
    ("perceptual hash", "ImageHash", "pHash, 8 x 8 of a 32 x 32 DCT", "SciPy's DCT", "exact"),
    ("edit distance", "rapidfuzz", "Levenshtein, all weights 1", "textbook dynamic program",
     "exact"),
    ("OCR", "rapidocr (PP-OCRv6), chosen by measurement", "see typography", "rapidocr's pipeline",
     "the same text from 40 px"),
)  # fmt: skip


def _libraries() -> str:
    head = ["measure", "library", "definition", "agrees with", "to"]
    return table(head, [list(row) for row in LIBRARIES])


def metric_rows(metrics: Sequence[Metric]) -> str:
    """Name, unit, direction, flows and meaning of metrics."""
    rows = [
        [
            f"`{m.name}`", m.unit, m.direction,
            "all" if m.flows == tuple(FLOWS) else ", ".join(m.flows), m.summary.replace("|", "\\|"),
        ]
        for m in metrics
    ]  # fmt: skip
    return table(["metric", "unit", "better", "flows", "what it says"], rows)


def metrics_part() -> str:
    """The part that follows from the families alone."""
    parts = [BEGIN, ""]
    for family in FAMILIES.values():
        parts += _family_part(family)
    parts += ["### reproducibility (not in contracts)\n"]
    parts += [f"{_reproducibility()} [Page](metrics/reproducibility.md).\n"]
    return "\n".join([*parts, END])


def _family_part(family: Family) -> list[str]:
    seen = OVERVIEWS[family.name]
    page = f"[Page](metrics/{seen.page}.md) (version {family.version})"
    parts = [
        f"### {family.name}\n",
        f"{family.question} {seen.figure()} {page}.\n",
        metric_rows(family.metrics),
    ]
    return [*parts, f"Beyond the contracts: {seen.beyond}\n"] if seen.beyond else parts


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            "# The metrics, and how far to trust them\n",
            "Written by `python -m imgassets_tests.benchmarks.metrics_page` from "
            "`imgassets.metrics.families` and the family pages, which their own commands "
            "write.\n",
            "A failed image is a row without a value and with a reason, never a score. Hold "
            "metrics that compare pictures of different content against the incumbent by a "
            "margin; absolute bounds are for faults.\n",
            "## Trusted least\n",
            _least_trusted(),
            "## Speed and memory\n",
            f"{bold('speed', 'All families except OCR')}. {_memory()}. "
            "[Measurements](metrics/speed.md); "
            "[all cores, and scores made once](metrics/scoring.md).\n",
            "## Libraries and definitions\n",
            "Well-kept libraries where they are quick enough; each measure agrees with a second, "
            "independent implementation in the tests. Not used: pyiqa (noncommercial licence), piq "
            "(unmaintained since 2023, downloads weights), torchmetrics (its LPIPS needs "
            "torchvision).\n",
            _libraries(),
            "## Every metric\n",
            metrics_part(),
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
