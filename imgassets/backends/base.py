"""What every backend takes and gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from imgassets.documents.failures import ModeName
from imgassets.storage.image_store import Making

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Outcome(Making):
    """What became of one request: an image, or a failure mode with a message; never both.

    Attributes:
        image: RGB or RGBA, 8 bits a channel; None when there is none.
        failure: why there is none.
        message: the failure in words.
    """

    image: Image.Image | None = None
    failure: ModeName | None = None
    message: str = ""


class Backend(Protocol):
    """Makes images. `inputs` are those of `imgassets.requests.Request`.

    All methods return one outcome a request, in order. A request that fails is an outcome;
    only what concerns all of them (missing weights, a broken installation) raises.
    """

    def generate(self, inputs: Sequence[dict[str, Any]]) -> list[Outcome]:
        """Text to image."""

    def stylize(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Image to image: each source is repainted as a whole, after a prompt."""

    def edit(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Inpainting: the region of each source is repainted (inside: white of the mask)."""


class HostedError(Exception):
    """One request to a provider came to nothing.

    Attributes:
        mode, message: why; free of secrets.
        billed: whether it was, or may have been, billed.
        again: whether the same request may well succeed.
        after: seconds the provider wants us to wait before that; None where it does not say.
        reply: what came and could not be understood, kept because it may be paid for.
    """

    def __init__(
        self,
        mode: ModeName,
        message: str,
        *,
        billed: bool,
        again: bool = False,
        after: float | None = None,
        reply: bytes = b"",
    ) -> None:
        super().__init__(f"{mode}: {message}")
        self.mode: ModeName = mode
        self.reply = reply
        self.message, self.billed, self.again, self.after = message, billed, again, after


class DocumentFault(Exception):  # noqa: N818 - a fault is what it is called everywhere
    """One image cannot be made, and the documents are at fault, not the model.

    Its text is one plain sentence for people: file and field where known, what is wrong, the fix.
    Becomes the failure mode of the class, which makes a verdict INCONCLUSIVE and never NO-GO.
    """

    mode: ClassVar[ModeName] = "bad_document"


class MachineFault(DocumentFault):
    """One image cannot be made, and this machine is at fault (a package, a file, the disk).

    It may pass without any change of documents, so such images are asked for again by every run.
    """

    mode: ClassVar[ModeName] = "machine_error"


class BackendError(RuntimeError):
    """A backend cannot work at all; the message names the file or setting, and the fix."""


class DeviceError(BackendError):
    """The device that was asked for is not here, so nothing at all can be made."""
