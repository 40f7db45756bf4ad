"""Whether a network is one plain chain of layers, read from its configuration.

Keras keeps operators (`a + b`, `1 - y`) and the second call of a layer in its graph of calls and
not in `model.layers`, so only the graph tells what a network computes. The configuration holds
that graph, in a `.keras` file, in an HDF5 file and in a model that is loaded.
"""

from collections.abc import Mapping
from typing import Any

import keras

from firmware_py.errors import ArtefactError

Entry = Mapping[str, Any]
"""What a configuration says of one layer: `class_name`, `name`, `config`, `inbound_nodes`."""

_STREAMED = [
    "Conv1D",
    "BatchNormalization",
    "ReLU",
    "Activation",
    "GRU",
    "TimeDistributed",
    "Dense",
]
_WINDOW = ["Conv2D", "Flatten", "LayerNormalization", "MaxPooling2D", "Reshape", "Resizing"]
KNOWN = frozenset(["InputLayer", "Dropout", "SpatialDropout1D", *_STREAMED, *_WINDOW])
"""The layers of `models.training.architecture` and of the networks that `hdf5` reads."""
_MODULE = "keras.layers"
"""Where they come from, by Keras 3's own word."""

REMEDY = "convert a network made by models.training.architecture"


def model_chain(model: keras.Model) -> list[keras.Layer]:
    """Return the layers of a loaded model, without its input, in the order of their calls.

    Raises ArtefactError as `chain` does.
    """
    entries = chain({"class_name": type(model).__name__, "config": model.get_config()})
    return [
        model.get_layer(entry_name(entry))
        for entry in entries
        if entry["class_name"] != "InputLayer"
    ]


def chain(description: Mapping[str, Any]) -> list[Entry]:
    """Return the entries of a network's layers, in the order in which they are called.

    description: `class_name` and `config` of a model, as Keras 2 and 3 write them.
    Raises ArtefactError, with the name, for an operator or a layer that is not `KNOWN`, for a
    layer used twice, and for several inputs or outputs.
    """
    config = description["config"]
    entries = list(config if isinstance(config, list) else config.get("layers", ()))
    if not entries:
        raise ArtefactError(
            f"the network is a {description['class_name']} without layers; {REMEDY}"
        )
    for entry in entries:
        _check_known(entry)
    if description["class_name"] == "Sequential":
        return entries
    for entry in entries:
        _check_calls(entry)
    by_name = {entry_name(entry): entry for entry in entries}
    if len(by_name) < len(entries):
        raise ArtefactError(f"the network has two layers of one name; {REMEDY}")
    return _walk(config, by_name)


def entry_name(entry: Entry) -> str:
    """Return a layer's name; Sequential configurations have it one level down."""
    return str(entry.get("name") or entry["config"]["name"])


def _check_known(entry: Entry) -> None:
    if entry["class_name"] == "TimeDistributed":
        inner = entry["config"]["layer"]
        if inner["class_name"] != "Dense":
            raise ArtefactError(f"the network's head is {inner['class_name']}; {REMEDY}")
    elif entry["class_name"] not in KNOWN or entry.get("module", _MODULE) != _MODULE:
        raise ArtefactError(f"the network has {_title(entry)}, which cannot be streamed; {REMEDY}")


def _walk(config: Mapping[str, Any], entries: Mapping[str, Entry]) -> list[Entry]:
    """Follow the calls from the output back to the input."""
    first, name = _only(config["input_layers"], "inputs"), _only(config["output_layers"], "outputs")
    found: list[Entry] = []
    while name != first:
        entry = entries[name]
        if len(found) == len(entries):
            raise ArtefactError(f"the calls of {_title(entry)} go round in a circle; {REMEDY}")
        found.append(entry)
        name = _source(entry)
    found.append(entries[first])
    left_out = entries.keys() - {entry_name(entry) for entry in found}
    if left_out:
        shown = _title(entries[min(left_out)])
        raise ArtefactError(f"the network has {shown} beside its chain of layers; {REMEDY}")
    return found[::-1]


def _only(ends: Any, what: str) -> str:
    """Return the layer of the only input or output: `["name", 0, 0]`, in Keras 2 in a list."""
    if len(ends) == 1:
        ends = ends[0]
    if isinstance(ends, dict) or not isinstance(ends[0], str):
        raise ArtefactError(f"the network has {len(ends)} {what}; {REMEDY} with one")
    return str(ends[0])


def _check_calls(entry: Entry) -> None:
    num_calls = len(entry["inbound_nodes"])
    if num_calls > 1:
        raise ArtefactError(
            f"the network uses {_title(entry)} {num_calls} times; {REMEDY}, with each layer once"
        )


def _source(entry: Entry) -> str:
    """Return the name of the layer whose output this one is called with."""
    (call,) = entry["inbound_nodes"]
    if isinstance(call, dict):
        tensors, options = list(call["args"]), call["kwargs"]
        sources = [tensor["config"]["keras_history"] for tensor in tensors if _is_tensor(tensor)]
    else:
        tensors, options = list(call), call[0][3] if len(call[0]) > 3 else {}
        sources = [tensor[:3] for tensor in tensors]
    if len(tensors) != 1 or len(sources) != 1 or list(sources[0][1:]) != [0, 0]:
        raise ArtefactError(
            f"the network calls {_title(entry)} with more than the layer before it; {REMEDY}"
        )
    for name, value in options.items():
        if value not in (None, False):
            raise ArtefactError(
                f"the network calls {_title(entry)} with its option {name!r} set; {REMEDY}"
            )
    return str(sources[0][0])


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _title(entry: Entry) -> str:
    return f"{entry['class_name']} {entry_name(entry)!r}"
