"""The network on the device: a TFLite interpreter run step by step with explicit state."""

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, StateTensor, Verifier
from firmware_py.errors import ArtefactError, MissingToolError
from firmware_py.reading.files import refused_as
from firmware_py.reading.model_file import REMEDY

Runtime = Literal["ai-edge-litert", "tflite-runtime"]

_MODULES: dict[Runtime, str] = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}


def installed_runtimes() -> list[Runtime]:
    """Return the installed interpreters, the preferred one first."""
    return [runtime for runtime in get_args(Runtime) if _is_installed(_MODULES[runtime])]


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module.partition(".")[0]) is not None


def load_runtime(runtime: Runtime | None = None) -> Any:
    """Return the class of an interpreter, the preferred one's for None; raises MissingToolError."""
    installed = installed_runtimes()
    if not installed or (runtime and runtime not in installed):
        wanted = runtime or "ai-edge-litert"
        raise MissingToolError(f"no {wanted} is installed; install it with: pip install {wanted}")
    return importlib.import_module(_MODULES[runtime or installed[0]]).Interpreter


class NetworkStream:
    """Runs an artefact's step network on whole calls of frames and carries its states."""

    def __init__(
        self, artefact: Artefact, runtime: Runtime | None = None, num_threads: int = 1
    ) -> None:
        path = artefact.path
        self._network = artefact.metadata.network
        self._interpreter = _open(path, artefact.flatbuffer, runtime, num_threads)
        tensors = self._network.tensors
        inputs = _details(self._interpreter.get_input_details())
        outputs = _details(self._interpreter.get_output_details())
        metadata = artefact.metadata
        frames_shape = (1, self._network.frames_per_call, metadata.front_end.num_bins)
        steps_shape = (1, self._network.steps_per_call, len(metadata.labels))
        self._frames = _index(path, inputs, tensors.frames, frames_shape)
        self._posteriors = _index(path, outputs, tensors.posteriors, steps_shape)
        self._history = _state(path, inputs, outputs, tensors.history)
        self._states = [_state(path, inputs, outputs, state) for state in tensors.states]
        named = 2 + len(self._states)
        if len(inputs) != named or len(outputs) != named:
            fault = f"{len(inputs)} inputs and {len(outputs)} outputs, metadata name {named}"
            _fail(path, fault)
        self.reset()
        _try(path, self._interpreter, self._frames, self._posteriors)

    def reset(self, history: NDArray[np.float32] | None = None) -> None:
        """Set the recurrent states to zero and the convolution history to `history` or zeros.

        history: float32 [history_frames, num_bins], the frames before the next call's.
        """
        history_shape = self._network.tensors.history.shape
        if history is None:
            history = np.zeros(history_shape, np.float32)
        self._interpreter.set_tensor(self._history[0], history.reshape(history_shape))
        for (index, _), state in zip(self._states, self._network.tensors.states, strict=True):
            self._interpreter.set_tensor(index, np.zeros(state.shape, np.float32))

    def process(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return posteriors, float32 [steps_per_call, labels].

        frames: float32 [frames_per_call, num_bins].
        """
        interpreter = self._interpreter
        interpreter.set_tensor(self._frames, frames[None])
        interpreter.invoke()
        for source, target in (self._history, *self._states):
            interpreter.set_tensor(source, interpreter.get_tensor(target))
        posteriors: NDArray[np.float32] = interpreter.get_tensor(self._posteriors)[0]
        return posteriors


States = tuple[NDArray[np.float32], ...]
"""What the verifier has computed of the frames so far: float32, [as the metadata's states] each."""


class VerifierNetwork:
    """Runs an artefact's second stage."""

    def __init__(
        self,
        artefact: Artefact,
        verifier: Verifier,
        runtime: Runtime | None = None,
        num_threads: int = 1,
    ) -> None:
        """verifier: the artefact's own, as its metadata describe it."""
        assert artefact.verifier is not None, "a described verifier has been read"
        path, metadata = artefact.path, artefact.metadata
        self.frames_per_call = verifier.frames_per_call(metadata.network.stride)
        self._interpreter = _open(path, artefact.verifier, runtime, num_threads)
        inputs = _details(self._interpreter.get_input_details())
        outputs = _details(self._interpreter.get_output_details())
        frames_shape = (1, self.frames_per_call, metadata.front_end.num_bins)
        self._frames = _index(path, inputs, "frames", frames_shape)
        self._posteriors = _index(path, outputs, "posteriors", (1, len(metadata.labels)))
        self._states = [_state(path, inputs, outputs, state) for state in verifier.states]
        named = 1 + len(self._states)
        if len(inputs) != named or len(outputs) != named:
            _fail(path, f"a verifier of {len(inputs)} inputs and {len(outputs)} outputs")
        self._nothing = tuple(np.zeros(state.shape, np.float32) for state in verifier.states)
        self._set(self._nothing)
        _try(path, self._interpreter, self._frames, self._posteriors)

    def process(
        self, frames: NDArray[np.float32], states: States | None = None
    ) -> tuple[NDArray[np.float32], States]:
        """Return posteriors, float32 [labels], and the states after `frames`.

        frames: float32 [n, num_bins]; the verifier's `frames` of them, or with the states that an
            earlier look left those since. The first is repeated to make whole calls of them.
        """
        missing = -len(frames) % self.frames_per_call
        frames = np.pad(frames, ((missing, 0), (0, 0)), "edge") if missing else frames
        interpreter = self._interpreter
        self._set(states or self._nothing)
        for at in range(0, len(frames), self.frames_per_call):
            if at:
                self._set(self._left())
            interpreter.set_tensor(self._frames, frames[None, at : at + self.frames_per_call])
            interpreter.invoke()
        posteriors: NDArray[np.float32] = interpreter.get_tensor(self._posteriors)[0]
        return posteriors, self._left()

    def _set(self, states: States) -> None:
        for (index, _), state in zip(self._states, states, strict=True):
            self._interpreter.set_tensor(index, state)

    def _left(self) -> States:
        """Return the states that the last call left."""
        return tuple(self._interpreter.get_tensor(index) for _, index in self._states)


def _state(
    path: Path, inputs: dict[str, Any], outputs: dict[str, Any], state: StateTensor
) -> tuple[int, int]:
    """Return the indexes of a state's input and output."""
    return (
        _index(path, inputs, state.input, state.shape),
        _index(path, outputs, state.output, state.shape),
    )


def _index(path: Path, tensors: dict[str, Any], name: str, shape: tuple[int, ...]) -> int:
    """Return the index of a tensor that must be float32 and of this shape."""
    if name not in tensors:
        _fail(path, f"no tensor {name!r}; it has {', '.join(sorted(tensors))}")
    detail = tensors[name]
    if tuple(detail["shape"]) != shape or detail["dtype"] is not np.float32:
        _fail(
            path,
            f"tensor {name!r} is {detail['dtype'].__name__} {list(detail['shape'])},"
            f" not float32 {list(shape)}",
        )
    return int(detail["index"])


def _try(path: Path, interpreter: Any, frames: int, posteriors: int) -> None:
    """Refuse a network whose answer to zeros is none: weights can overflow that are numbers.

    Its states stay as they are.
    """
    with refused_as(ArtefactError, f"{path}: the interpreter cannot run the model; {REMEDY}"):
        interpreter.set_tensor(frames, np.zeros_like(interpreter.get_tensor(frames)))
        interpreter.invoke()
        answer = interpreter.get_tensor(posteriors)
    if not np.all((answer >= 0.0) & (answer <= 1.0)):
        raise ArtefactError(
            f"{path}: the network gives no probabilities; train it on, or convert it again"
        )


def _fail(path: Path, fault: str) -> NoReturn:
    raise ArtefactError(f"{path}: model and metadata differ: {fault}; {REMEDY}")


def _open(path: Path, flatbuffer: bytes, runtime: Runtime | None, num_threads: int) -> Any:
    """Return an interpreter with its memory allocated.

    TensorFlow Lite writes to the standard error while it loads; a file that it cannot load is
    reported by the exception instead.
    """
    interpreter_class = load_runtime(runtime)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with refused_as(ArtefactError, f"{path}: the interpreter cannot load the model; {REMEDY}"):
        interpreter = interpreter_class(model_content=flatbuffer, num_threads=num_threads)
        interpreter.allocate_tensors()
    return interpreter


def _details(details: list[dict[str, Any]]) -> dict[str, Any]:
    return {detail["name"]: detail for detail in details}
