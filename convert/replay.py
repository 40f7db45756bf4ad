"""Stream audio through an artefact in a process of its own, as a device does.

A process that has imported TensorFlow cannot use tflite-runtime any more (its interpreter dies
with `ValueError: vector::reserve`), so this module imports nothing but `firmware_py`, and
`replay` runs it with a fresh Python.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, read_artefact
from firmware_py.detector import Detector
from firmware_py.errors import ArtefactError, TriggerWordError
from firmware_py.interpreter import Runtime, VerifierNetwork
from firmware_py.reading.lines import last_line
from firmware_py.streaming.frame_detector import joined

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
    options = [f"--chunk-length={chunk_length}"]
    if gain_db is not None:
        options.append(f"--gain-db={gain_db:.17g}")
    return _in_process(artefact, samples, runtime, options)


def look(artefact: Path, windows: NDArray[np.float32], runtime: Runtime) -> NDArray[np.float32]:
    """Return the verifier's posteriors, float32 [looks, labels].

    windows: float32 [looks, frames, num_bins]. Raises ArtefactError as `replay` does.
    """
    return _in_process(artefact, windows, runtime, ["--verifier"])


def _in_process(
    artefact: Path, heard: NDArray[Any], runtime: Runtime, options: Sequence[str]
) -> NDArray[np.float32]:
    """Return what `main` writes about `heard`."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "heard.npy"), Path(folder, "posteriors.npy")
        np.save(source, heard)
        command = [sys.executable, "-m", __name__, str(artefact), str(source), str(result), runtime]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        if done.returncode:
            reason = last_line(done.stderr, f"it ended with {done.returncode}")
            raise ArtefactError(f"{runtime} failed on the converted model: {reason}")
        posteriors: NDArray[np.float32] = np.load(result)
    return posteriors


def stream_posteriors(
    detector: Detector, samples: NDArray[np.int16], chunk_length: int
) -> NDArray[np.float32]:
    """Return the posteriors of all steps, float32 [steps, labels].

    samples: int16 [samples] at the model's rate. chunk_length: 0: chunks of random lengths.
    """
    parts = [detector.steps(chunk) for chunk in _chunks(samples, chunk_length)]
    return joined((*parts, detector.last_steps())).posteriors[: detector.num_steps]


def _chunks(samples: NDArray[np.int16], length: int) -> Iterator[NDArray[np.int16]]:
    rng = np.random.default_rng(0)
    start = 0
    while start < len(samples):
        end = start + (length or int(rng.integers(1, 4000)))
        yield samples[start:end]
        start = end


def main() -> None:
    """Write what an artefact says to one recording or to looks; called by the above only."""
    parser = argparse.ArgumentParser(description=replay.__doc__)
    parser.add_argument("artefact", type=Path)
    parser.add_argument("heard", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("runtime")
    parser.add_argument("--chunk-length", type=int, default=RANDOM_CHUNKS)
    parser.add_argument("--gain-db", type=float)
    parser.add_argument("--verifier", action="store_true")
    arguments = parser.parse_args()
    try:
        artefact = read_artefact(arguments.artefact)
        run = _verify if arguments.verifier else _listen
        np.save(arguments.result, run(artefact, np.load(arguments.heard), arguments))
    except TriggerWordError as error:
        sys.exit(str(error))


def _listen(
    artefact: Artefact, samples: NDArray[np.int16], arguments: argparse.Namespace
) -> NDArray[np.float32]:
    gain_db, runtime = arguments.gain_db, arguments.runtime
    with Detector(artefact, gain_db=gain_db, runtime=runtime) as detector:
        return stream_posteriors(detector, samples, arguments.chunk_length)


def _verify(
    artefact: Artefact, windows: NDArray[np.float32], arguments: argparse.Namespace
) -> NDArray[np.float32]:
    verifier = artefact.metadata.verifier
    if not verifier:
        raise ArtefactError(f"{artefact.path} has no verifier")
    network = VerifierNetwork(artefact, verifier, arguments.runtime)
    said, states = [], None
    for frames in windows:
        # Whole windows: what an earlier one left must not matter.
        posteriors, states = network.process(frames, states)
        said.append(posteriors)
    return np.array(said)


if __name__ == "__main__":
    main()
