"""Networks of neural voices, run by onnxruntime on one core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from firmware_py.errors import MissingToolError
from firmware_py.reading.files import refused_as


def open_network(network: Path | bytes, what: str) -> Any:
    """Return an onnxruntime session of a network.

    Raises MissingToolError without onnxruntime, and, beginning with `what`, for a file that it
    cannot load: no other voice would help.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingToolError(
            "neural voices need onnxruntime; install it with: pip install '.[voices]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    with refused_as(MissingToolError, what):
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
