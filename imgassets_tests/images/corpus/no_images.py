"""Files that are no image, or none that is read."""

from __future__ import annotations

import base64
import gzip
import pickle

import numpy as np

from imgassets_tests.images.corpus.case import FOREIGN, MARKUP, refused
from imgassets_tests.images.files import encoded, zipped

NO_IMAGES = [
    refused("no image", name, data, FOREIGN)
    for name, data in {
        "an error page": b"<html>502 Bad Gateway</html>",
        "plain text": b"this is not an image\n",
        "JSON": b'{"error": "quota exceeded"}',
        "an SVG with a script": f"<svg xmlns='http://www.w3.org/2000/svg'>{MARKUP}</svg>".encode(),
        "a PDF": b"%PDF-1.7\n1 0 obj\n",
        "PostScript, a program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "an archive": zipped(),
        "a compressed PNG": gzip.compress(encoded("PNG"), mtime=0),
        "a PNG as base64": base64.b64encode(encoded("PNG")),
        "a pickle": pickle.dumps({"image": [0, 1]}),
        "random bytes": np.random.default_rng(0).bytes(4096),
        "zeros": bytes(4096),
        "an AVIF": encoded("AVIF"),
        "a HEIC header": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "a Photoshop header": b"8BPS\0\x01" + bytes(30),
        "an icon": encoded("ICO"),
        "a PNG behind a line break": b"\n" + encoded("PNG"),
    }.items()
]
