"""Models that answer questions about images: the probability of "yes" and of "no".

Any image-text-to-text model of transformers. The probability of an answer is the sum over all
tokens that spell it (`Yes`, `yes`, ` yes`, `YES`) at the first place of the answer, after a softmax
over the whole vocabulary; nothing is drawn at random (VQAScore, Lin et al. 2024, arXiv 2404.01291,
which takes the probability of "Yes" so). Not covered: classifiers of answers (ViLT, BLIP's
`visual-question-answering`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from imgassets.documents.judge import Vqa
from imgassets.judges.alignment import Answer, Pixels
from imgassets.judges.detectors import check_image
from imgassets.judges.errors import JudgeError
from imgassets.judges.found_boxes import by_shape
from imgassets.judges.transformers_weights import (
    exact,
    folder_of,
    load_model,
    load_processor,
    try_out,
)

#: How tokenizers mark a space or a line break before a word: SentencePiece, byte-level BPE.
_MARKS = "▁ĠĊ"


class VqaJudge:
    """A `QuestionJudge` (`judges.alignment`)."""

    def __init__(self, document: Vqa, root: Path, device: str) -> None:
        """Load the model.

        Raises:
            JudgeError: it cannot be had, is of another kind, or has no token for an answer.
        """
        self._document, self._where = document, f"judge {document.judge}"
        folder = folder_of(root, document, self._where)
        self._model = load_model(folder, "vqa", document.dtype, device, self._where)
        self._processor = load_processor(folder, "AutoProcessor", self._where)
        if hasattr(self._processor, "image_processor"):  # see `load_processor`
            images = load_processor(folder, "AutoImageProcessor", self._where)
            self._processor.image_processor = images
        tokenizer = getattr(self._processor, "tokenizer", None)
        if tokenizer is None:
            raise JudgeError(f"{self._where}: {folder} has no tokenizer, so it answers no question")
        # The answer begins where the question ends: padding may stand before it only.
        tokenizer.padding_side = "left"
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._yes = self._spelling(tokenizer, document.yes)
        self._no = self._spelling(tokenizer, document.no)
        if set(self._yes) & set(self._no):
            raise JudgeError(f"{self._where}: `yes` and `no` are one word; give two")
        try_out(lambda image: self._chances([image], [self._spoken("Is this gray?")]), self._where)

    @property
    def question(self) -> str:
        """See `QuestionJudge.question`."""
        return self._document.question

    def ask(self, images: Sequence[Pixels], questions: Sequence[str]) -> list[Answer]:
        """See `QuestionJudge.ask`; images of one shape go together, in batches of the document's.

        Raises:
            JudgeError: an image that is none, or that the model cannot take.
        """
        for image in images:
            check_image(image)
        asked = [self._spoken(question) for question in questions]
        lengths = [len(self._processor.tokenizer(text)["input_ids"]) for text in asked]
        return by_shape(
            images,
            lambda at: self._answers([images[i] for i in at], [asked[i] for i in at]),
            self._document.batch_size,
            lengths,  # so no question is padded for the sake of another
        )

    def _spoken(self, question: str) -> str:
        """A question as the model hears it: by its chat template, else behind the image."""
        if getattr(self._processor, "chat_template", None):
            content = [{"type": "image"}, {"type": "text", "text": question}]
            return self._processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
            )
        # Some processors (BLIP-2) place the image themselves, and their token is no string.
        token = getattr(self._processor, "image_token", None)
        return f"{token} {question}" if isinstance(token, str) else question

    def _begun(self, text: str) -> bool:
        """Whether a chat template wrote the token that begins a text; two would mislead."""
        first = self._processor.tokenizer.bos_token
        return bool(first) and text.startswith(first)

    def _answers(self, images: Sequence[Pixels], texts: Sequence[str]) -> list[Answer]:
        try:
            chances = self._chances(images, texts)
        except (IndexError, ValueError) as error:
            raise JudgeError(f"{self._where} cannot take the image or question: {error}") from error
        return [Answer(float(row[self._yes].sum()), float(row[self._no].sum())) for row in chances]

    def _chances(self, images: Sequence[Pixels], texts: Sequence[str]) -> Any:
        """Probabilities of all tokens at the first place of each answer: float32, (N, tokens)."""
        begun = {"add_special_tokens": False} if self._begun(texts[0]) else {}
        with exact():
            inputs = self._processor(
                images=[[Image.fromarray(image)] for image in images], text=list(texts),
                return_tensors="pt", padding=True, **begun,
            ).to(self._model.device, self._model.dtype)  # fmt: skip
            # `generate`, for it knows where each kind of model begins its answer.
            told = self._model.generate(
                **inputs, max_new_tokens=1, do_sample=False, num_beams=1,
                return_dict_in_generate=True, output_logits=True,
            )  # fmt: skip
            return told.logits[0].float().softmax(dim=-1)

    def _spelling(self, tokenizer: Any, word: str) -> list[int]:
        """All tokens that spell a word alone, in any case, with or without a space before it.

        Raises:
            JudgeError: there is none.
        """
        wanted = word.strip().casefold()
        tokens = {
            number
            for token, number in tokenizer.get_vocab().items()
            if token.strip(_MARKS).strip().casefold() == wanted
        }
        for case in (word, word.lower(), word.upper(), word.capitalize()):
            for before in ("", " "):  # other alphabets look different inside byte-level BPE
                ids = tokenizer(before + case, add_special_tokens=False)["input_ids"]
                if len(ids) == 1 and ids[0] != tokenizer.unk_token_id:
                    tokens.add(int(ids[0]))
        if not tokens:
            raise JudgeError(
                f"{self._where}: the model spells {word!r} by more than one token, so its "
                "probability cannot be read off; choose another `yes` and `no`, and a question "
                "that asks for them"
            )
        return sorted(tokens)


def open_judge(document: Vqa, root: Path, device: str) -> VqaJudge:
    """The judge of a document. Raises as `VqaJudge`."""
    return VqaJudge(document, root, device)
