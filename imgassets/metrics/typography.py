"""Typography: does the image say what it should, letter by letter?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgassets.metrics.family import Family, Metric, Scorer

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch


def _scorer(branch: Branch) -> Scorer:
    from imgassets.metrics.branch import against_expectations
    from imgassets.metrics.formulas.typography import score

    return against_expectations(branch, score)


FAMILY = Family(
    name="typography",
    version="2",
    question="Does it say what it should say?",
    metrics=(
        Metric(
            "typography.exact",
            "higher",
            "share",
            "Images whose text is read exactly as asked, nothing missing and nothing added.",
            phrase="text is read exactly right in {} of images",
            called="exact text",
        ),
        Metric(
            "typography.ned",
            "higher",
            "similarity",
            "1 - edit distance / longer length between the text asked for and the text read "
            "(AnyText's NED; 1 is exact).",
            phrase="text is read with a similarity of {}",
            called="similarity of the text",
        ),
        Metric(
            "typography.strict",
            "higher",
            "share",
            "As typography.exact, nothing folded: O is not 0, x² not x2, though the reader often "
            "errs there; no value where the case of c, o, s and the like cannot be told.",
            phrase="text is read exactly right, nothing folded, in {} of images",
            called="exact text, nothing folded",
        ),
        Metric(
            "typography.cer",
            "lower",
            "ratio",
            "Edit distance / length of the text asked for; above 1 when much was added.",
            phrase="text is read with {} errors a character asked for",
            limit_unit="error rate",
            called="wrong characters",
        ),
        Metric(
            "typography.words",
            "higher",
            "share",
            "Words asked for that were read, in any order.",
            phrase="{} of the words asked for are read",
            called="words that can be read",
        ),
        Metric(
            "typography.reader_cer",
            "lower",
            "share",
            "What the reader itself gets wrong on clean characters of this height; read the other"
            " typography scores beside it.",
            called="errors of the reader itself",
        ),
    ),
    depends_on=(("prompts", "typography"),),
    scorer=_scorer,
    by_expectation=True,
    libraries=("rapidocr", "onnxruntime"),
    asked=lambda branch, image: branch.expected("typography", image),
)
