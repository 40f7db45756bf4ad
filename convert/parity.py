"""The parity gate: the artefact's streamed posteriors against the offline Keras model's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.errors import ParityError
from convert.material import frames, gain_db
from convert.replay import look, replay
from convert.verifier import VerifierModule, windows
from firmware_py.artefact import Mode
from firmware_py.errors import MissingToolError
from firmware_py.front_end import FrontEnd
from firmware_py.interpreter import Runtime, installed_runtimes

MAXIMUM_DIFFERENCE: Mapping[Mode, float] = {
    "float32": 1e-5,
    "float16": 2e-3,
    "weight-int8": 1e-2,
    "dynamic-int8": 5e-2,
}
"""The largest difference of a posterior that each mode may show."""

FLIP_THRESHOLD = 0.5
MAXIMUM_FLIP_RATE = 0.01
"""The share of all posteriors that may fall on the other side of `FLIP_THRESHOLD`: the limit of
the modes whose activations are integers too. They differ most at the edges of a word, which move
by a step or two; one posterior in a hundred leaves the detections as they were."""
MAXIMUM_LOST_SHARE = 0.5
"""How many may flip for each posterior above `FLIP_THRESHOLD`, so that a network that has gone
deaf does not pass because words are rare."""


@dataclass(frozen=True)
class RuntimeParity:
    """How one interpreter's posteriors differ from the trained network's."""

    runtime: Runtime
    num_posteriors: int
    maximum_difference: float
    num_above: int
    """Posteriors of the trained network above `FLIP_THRESHOLD`."""
    num_flipped: int
    """Posteriors on the other side of it."""


@dataclass(frozen=True)
class ParityReport:
    """What the gate measured."""

    mode: Mode
    seconds: float
    """Audio that was streamed."""
    runtimes: tuple[RuntimeParity, ...]
    verifier: "ParityReport | None" = None
    """What it measured of the second stage, where there is one."""

    def check(self, option: str = "--mode") -> None:
        """Raise ParityError when an interpreter is past the limit of the mode.

        option: of the command line, where another mode can be chosen.
        """
        for parity in self.runtimes:
            if fault := _fault(self.mode, parity, f"choose another {option}"):
                raise ParityError(
                    f"{self.mode} fails the parity gate on {parity.runtime}: {fault}; nothing is"
                    " written"
                )
        if self.verifier:
            self.verifier.check("--verifier-mode")


def measure_parity(
    artefact: Path, mode: Mode, model: keras.Model, front_end: FrontEnd, samples: NDArray[np.int16]
) -> ParityReport:
    """Stream `samples` (int16 [n], mono) through `artefact` on every installed interpreter.

    Raises MissingToolError when none is installed.
    """
    runtimes = _runtimes()
    expected = offline_posteriors(model, frames(front_end, samples))
    gain = gain_db(front_end, samples)
    measured = [
        compare(runtime, expected, replay(artefact, samples, runtime, gain_db=gain))
        for runtime in runtimes
    ]
    return ParityReport(mode, len(samples) / front_end.sample_rate_hz, tuple(measured))


def measure_looks(
    artefact: Path,
    mode: Mode,
    verifier: VerifierModule,
    front_end: FrontEnd,
    samples: NDArray[np.int16],
) -> ParityReport:
    """Let the second stage look along `samples`, int16 [n], as `measure_parity` does."""
    looks = windows(frames(front_end, samples), verifier.look_frames)
    expected = verifier.posteriors(looks)
    measured = [
        compare(runtime, expected, look(artefact, looks, runtime)) for runtime in _runtimes()
    ]
    return ParityReport(mode, len(samples) / front_end.sample_rate_hz, tuple(measured))


def _runtimes() -> list[Runtime]:
    runtimes = installed_runtimes()
    if not runtimes:
        raise MissingToolError(
            "no TensorFlow Lite interpreter is installed to check the model on; install one with:"
            f" pip install {get_args(Runtime)[0]}"
        )
    return runtimes


def offline_posteriors(model: keras.Model, frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the trained network's posteriors, float32 [steps, labels].

    frames: float32 [n, num_bins]. They are one sequence: no shorter one gives the same.
    """
    predict = tf.function(model, autograph=False)
    posteriors: NDArray[np.float32] = predict(frames[None], training=False).numpy()[0]
    return posteriors


def compare(
    runtime: Runtime, expected: NDArray[np.float32], found: NDArray[np.float32]
) -> RuntimeParity:
    """Return how `found` differs from `expected`, both float32 [steps, labels]."""
    if found.shape != expected.shape:
        shapes = [" x ".join(map(str, array.shape)) for array in (found, expected)]
        raise ParityError(
            f"{runtime} gave {shapes[0]} posteriors where the network gives {shapes[1]}; nothing is"
            " written"
        )
    above = expected > FLIP_THRESHOLD
    flipped = (found > FLIP_THRESHOLD) != above
    difference = np.abs(found - expected).max(initial=0.0)
    return RuntimeParity(
        runtime, found.size, float(difference), int(above.sum()), int(flipped.sum())
    )


def _fault(mode: Mode, parity: RuntimeParity, remedy: str) -> str | None:
    """Return what is past the limit of the mode, and what to do."""
    if not np.isfinite(parity.maximum_difference):
        return f"some posteriors are not numbers; {remedy}"
    if mode in MAXIMUM_DIFFERENCE:
        return _difference_fault(parity, MAXIMUM_DIFFERENCE[mode], remedy)
    return _flip_fault(parity, remedy)


def _difference_fault(parity: RuntimeParity, limit: float, remedy: str) -> str | None:
    largest = parity.maximum_difference
    if largest <= limit:
        return None
    return f"posteriors differ by up to {largest:.2g}, the limit is {limit:g}; {remedy}"


def _flip_fault(parity: RuntimeParity, remedy: str) -> str | None:
    if not parity.num_above:
        return (
            f"the trained network never passes {FLIP_THRESHOLD} in this audio, which proves"
            " nothing; name recordings of the word with --parity-audio"
        )
    limit = int(
        min(MAXIMUM_FLIP_RATE * parity.num_posteriors, MAXIMUM_LOST_SHARE * parity.num_above)
    )
    if parity.num_flipped <= limit:
        return None
    return (
        f"{parity.num_flipped} of {parity.num_posteriors} posteriors are on the other side of"
        f" {FLIP_THRESHOLD}, the limit is {limit} where {parity.num_above} are above it; {remedy}"
    )
