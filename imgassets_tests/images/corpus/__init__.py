"""Bad and hostile inputs, each with exactly what must become of it.

Every case is one input, made in a fresh folder. Refusals are compared with the whole reason; where
the words are a decoder's own, they end in `...` and only what stands before is compared.
"""

from imgassets_tests.images.corpus.bombs import BOMBS
from imgassets_tests.images.corpus.broken import BROKEN_FILES
from imgassets_tests.images.corpus.case import MARKUP, Case
from imgassets_tests.images.corpus.metadata import METADATA
from imgassets_tests.images.corpus.names import NAMES
from imgassets_tests.images.corpus.no_files import NO_FILES
from imgassets_tests.images.corpus.no_images import NO_IMAGES
from imgassets_tests.images.corpus.pixels import PIXELS
from imgassets_tests.images.corpus.several import SEVERAL

CORPUS = [
    *NO_FILES,
    *NO_IMAGES,
    *BROKEN_FILES,
    *BOMBS,
    *SEVERAL,
    *METADATA,
    *PIXELS,
    *NAMES,
]

__all__ = ["CORPUS", "MARKUP", "Case"]
