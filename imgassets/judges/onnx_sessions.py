"""How judges run ONNX: on one thread of the CPU, so that the same image gives the same scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imgassets.documents.judge import ONNX_FILE
from imgassets.documents.weights import weights_folder
from imgassets.judges.errors import JudgeError


def open_session(
    root: Path, weights: str, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> Any:
    """An `onnxruntime.InferenceSession` of a judge's weights.

    Args:
        root: the project's, where relative folders start.
        weights: `package:NAME` or a folder.
        inputs: names the model must take, no others.
        outputs: names it must give.

    Raises:
        JudgeError: no such model can be loaded; says why.
    """
    import onnxruntime

    path = weights_folder(root, weights) / ONNX_FILE
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # a model's unused parts are nobody's business
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has a dozen classes, with RuntimeError in common
        raise JudgeError(f"cannot load {path} as an ONNX model: {error}") from error
    takes = {one.name for one in session.get_inputs()}
    missing = set(outputs) - {one.name for one in session.get_outputs()}
    if takes != set(inputs) or missing:
        raise JudgeError(
            f"{path} takes {', '.join(sorted(takes))}"
            + (f" and does not give {', '.join(sorted(missing))}" if missing else "")
            + f"; expected {', '.join(inputs)} in and {', '.join(outputs)} out: convert the model "
            "as the README beside the embedded weights says"
        )
    return session
