"""Alignment: how far an image shows what its prompt says, for a model that reads both.

- `alignment.vqa_score`: VQAScore (Lin et al. 2024, arXiv 2404.01291): the probability of "yes" to
  the question whether the image shows the prompt. As in the paper it is P(yes) itself, not its
  share of P(yes) + P(no).
- `alignment.questions`: the share of questions made by rule (`expected_questions`) that are
  answered as expected: yes where P(yes) > P(no).
- `alignment.clip_score`: 100 x the cosine of image and prompt, 0 at least: CLIPScore (Hessel et al.
  2021, arXiv 2104.08718), scaled as torchmetrics and MLPerf do; the paper has 2.5 x the cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgassets.documents.prompts import Expectation
from imgassets.judges.alignment import Answer, QuestionJudge, SimilarityJudge
from imgassets.judges.errors import JudgeError
from imgassets.metrics.formulas.batches import InBatches, Judged, JudgedBranch
from imgassets.metrics.formulas.expected_questions import ENDING, Question, questions
from imgassets.metrics.scores import Score

Pixels = NDArray[np.uint8]

#: P(yes) + P(no) below which a model said something else: then it has not answered.
ANSWERED = 0.5


def scorer(branch: JudgedBranch) -> InBatches:
    """Scores images of a branch by the judge of alignment that its contract chose.

    Raises:
        JudgeError: that judge cannot be loaded.
        LookupError: the contract chose none.
    """
    judge, document = branch.judge("alignment"), branch.judge_document("alignment")
    asks = document is not None and document.kind == "vqa"

    def several(rows: Sequence[Any], images: Sequence[Pixels]) -> Sequence[Judged]:
        prompts = [branch.prompts[row.flow, row.prompt_id] for row in rows]
        if not asks:
            return score_similarity(images, prompts, judge)
        wanted = [branch.expectations[row.flow, row.prompt_id] for row in rows]
        return score_answers(images, prompts, wanted, judge)

    return InBatches(branch.read_array, several)


def score_answers(
    images: Sequence[Pixels],
    prompts: Sequence[str],
    expectations: Sequence[Expectation],
    judge: QuestionJudge,
) -> list[Judged]:
    """`alignment.vqa_score` of each image, and `alignment.questions` where there are any to ask.

    Args:
        images: uint8, (H, W, 3), sRGB, each of any size.
        prompts: before any transform.
        expectations: what each image must show.
        judge: answers; all questions are put to it at once.

    Returns:
        Scores, 0..1, higher is better; or a `JudgeError` where a question was answered by neither
        yes nor no.

    Raises:
        JudgeError: the judge cannot take one of the images.
    """
    asked = [
        [Question(judge.question.replace("{prompt}", prompt), yes=True), *questions(wanted)]
        for prompt, wanted in zip(prompts, expectations, strict=True)
    ]
    flat = [(place, one.text) for place, of_image in enumerate(asked) for one in of_image]
    said = iter(judge.ask([images[place] for place, _ in flat], [text for _, text in flat]))
    return [_answered([(one, next(said)) for one in of_image]) for of_image in asked]


def yes_or_no(judge: QuestionJudge, image: Pixels, prompt: str, wanted: Expectation) -> list[Score]:
    """Whether a judge calls an image right: 1.0 or 0.0, where every question is as expected.

    Where the expectation gives no question, it is right from a VQAScore of .5 on. Raises as
    `score_answers`, and `JudgeError` where a question was answered by neither yes nor no.
    """
    (found,) = score_answers([image], [prompt], [wanted], judge)
    if isinstance(found, JudgeError):
        raise found
    last = found[-1]
    least = 1.0 if last.metric == "alignment.questions" else 0.5
    return [Score(last.metric, float(last.value >= least), last.reason)]


def score_similarity(
    images: Sequence[Pixels], prompts: Sequence[str], judge: SimilarityJudge
) -> list[Judged]:
    """`alignment.clip_score` of each image, 0..100; higher is better. A cut prompt is a reason.

    Args and errors as in `score_answers`.
    """
    return [
        [Score("alignment.clip_score", 100.0 * max(0.0, cosine), note)]
        for cosine, note in judge.similarity(images, prompts)
    ]


def _answered(said: Sequence[tuple[Question, Answer]]) -> Judged:
    """The scores of one image: the first question is VQAScore's."""
    silent = [(one, a) for one, a in said if a.yes + a.no < ANSWERED]
    if silent:
        question, answer = silent[0]
        return JudgeError(
            f"the judge answers {question.text!r} by neither yes nor no (together "
            f"{answer.yes + answer.no:.0%}); another `question`, or another model"
        )
    scores = [Score("alignment.vqa_score", said[0][1].yes)]
    rest = said[1:]
    if rest:
        wrong = [(one, a) for one, a in rest if (a.yes > a.no) != one.yes]
        reason = "; ".join(_wrong(one, answer) for one, answer in wrong)
        scores.append(Score("alignment.questions", 1.0 - len(wrong) / len(rest), reason))
    return scores


def _wrong(question: Question, answer: Answer) -> str:
    right, said = ("yes", "no") if question.yes else ("no", "yes")
    sure = answer.no if question.yes else answer.yes
    asked = question.text.removesuffix(ENDING).strip()
    return f"{asked} expected {right}, got {said} ({sure:.0%})"
