"""Stream audio through an artefact in a process of its own, as a device does.

A process that has imported TensorFlow cannot use tflite-runtime any more (its interpreter dies
with `ValueError: vector::reserve`), so this module imports nothing but `firmware_py`, and
`replay` runs it with a fresh Python.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import read_artefact
from firmware_py.detector import Detector
from firmware_py.errors import ArtefactError, TriggerWordError
from firmware_py.frame_detector import joined
from firmware_py.interpreter import Runtime

RANDOM_CHUNKS = 0
"""The chunk length that stands for lengths drawn anew for every chunk, with a fixed seed."""


def replay(
    artefact: Path,
    samples: NDArray[np.int16],
    runtime: Runtime,
    *,
    chunk_length: int = RANDOM_CHUNKS,
    gain_db: float | None = None,
) -> NDArray[np.float32]:
    """Return the streamed posteriors, float32 [steps, labels], of int16 [n] mono samples.

    Raises ArtefactError with what the process said when it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        audio, result = Path(folder, "audio.npy"), Path(folder, "posteriors.npy")
        np.save(audio, samples)
        command = [sys.executable, "-m", __name__, str(artefact), str(audio), str(result), runtime]
        command += [str(chunk_length), *([] if gain_db is None else [f"--gain-db={gain_db:.17g}"])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
            raise ArtefactError(f"{runtime} failed on the converted model: {lines[-1]}")
        posteriors: NDArray[np.float32] = np.load(result)
    return posteriors


def stream(
    detector: Detector, samples: NDArray[np.int16], chunk_length: int
) -> NDArray[np.float32]:
    """Return the posteriors of all steps, float32 [steps, labels]."""
    parts = [detector.steps(chunk) for chunk in _chunks(samples, chunk_length)]
    return joined((*parts, detector.last_steps())).posteriors


def _chunks(samples: NDArray[np.int16], length: int) -> Iterator[NDArray[np.int16]]:
    rng = np.random.default_rng(0)
    start = 0
    while start < len(samples):
        end = start + (length or int(rng.integers(1, 4000)))
        yield samples[start:end]
        start = end


def main() -> None:
    """Write the posteriors of one recording; called by `replay` only."""
    parser = argparse.ArgumentParser(description=replay.__doc__)
    parser.add_argument("artefact", type=Path)
    parser.add_argument("audio", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("runtime")
    parser.add_argument("chunk_length", type=int)
    parser.add_argument("--gain-db", type=float)
    arguments = parser.parse_args()
    try:
        artefact = read_artefact(arguments.artefact)
        detector = Detector(artefact, gain_db=arguments.gain_db, runtime=arguments.runtime)
        samples = np.load(arguments.audio)
        with detector:
            np.save(arguments.result, stream(detector, samples, arguments.chunk_length))
    except TriggerWordError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
