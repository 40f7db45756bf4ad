"""Edits of a converted flatbuffer through TensorFlow Lite's own object API."""

from typing import Any

from tensorflow.lite.tools import flatbuffer_utils


def read_flatbuffer(content: bytes) -> Any:
    """Return the model as a tree of plain objects (schema.fbs: ModelT)."""
    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))


def write_flatbuffer(model: Any) -> bytes:
    """Return the bytes of a model read by `read_flatbuffer`."""
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def name_tensors_by_signature(content: bytes) -> bytes:
    """Give each input and output tensor the name that it has in the signature.

    The converter names them after its own inner calls; the metadata and whoever opens the file
    with another tool find `frames` and `posteriors` instead.
    """
    model = read_flatbuffer(content)
    (signature,) = model.signatureDefs
    tensors = model.subgraphs[signature.subgraphIndex].tensors
    for entry in (*signature.inputs, *signature.outputs):
        tensors[entry.tensorIndex].name = entry.name
    return write_flatbuffer(model)
