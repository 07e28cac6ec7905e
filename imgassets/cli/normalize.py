"""`imgassets normalize`."""

from __future__ import annotations

import sys

from imgassets.cli.options import NOT_OK, OK, InputContract, Inputs, Json, OutputFolder, show


def normalize(
    inputs: Inputs, out: OutputFolder, contract: InputContract = None, json: Json = False
) -> int:
    """Make images from outside safe and uniform, or refuse them.

    Writes every image as upright 8-bit sRGB PNG without metadata, or says why not. No input and no
    existing file is changed. Exit 1 if any image was refused; see docs/inputs.md for the rules.
    """
    from imgassets.images.take_in import inputs_of, normalize_files, rules_of

    taken = normalize_files(inputs_of(inputs, sys.stdin), out, rules_of(contract))
    show(json, taken.to_dict(), taken)
    return NOT_OK if taken.refused else OK
