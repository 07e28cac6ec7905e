"""`imgassets upscale`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from imgassets.cli.options import (
    NOT_OK,
    OK,
    Device,
    DeviceWord,
    InputContract,
    Inputs,
    Json,
    OutputFolder,
    show,
    valid_project,
)


def upscale(
    inputs: Inputs,
    out: OutputFolder,
    model: Annotated[str, typer.Option(metavar="M", help="Whose `upscaler` to use.")],
    contract: InputContract = None,
    device: Device = DeviceWord.AUTO,
    json: Json = False,
) -> int:
    """Normalize images and make them larger.

    Does what `imgassets normalize` does, and enlarges each image with the model's upscaler. Exit 1
    if any image was refused.
    """
    from imgassets.backends.upscaled_files import open_upscaler_of, upscale_files
    from imgassets.images.take_in import inputs_of, rules_of

    rules = rules_of(contract)
    make, scale = open_upscaler_of(valid_project(), model, device)
    taken = upscale_files(inputs_of(inputs, sys.stdin), out, rules, make, scale)
    show(json, taken.to_dict(), taken)
    return NOT_OK if taken.refused else OK
