"""pipelines.py RUNTIME AUDIO MODEL...: from samples to decision, one artefact after the other.

Prints a list with CPU seconds for each second of audio: of everything, and of the network alone.
The samples are brought to each model's rate beforehand.
"""

import json
import sys
import time
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import read_artefact
from firmware_py.audio import Resampler, open_recording, read_blocks
from firmware_py.detector import Detector
from firmware_py.interpreter import Runtime

WARM_UP_CALLS = 25
NETWORK_SECONDS = 30.0


def main() -> None:
    runtime, audio, *paths = sys.argv[1:]
    samples: dict[int, NDArray[np.int16]] = {}
    answers = []
    for path in paths:
        rate_hz = read_artefact(path).metadata.front_end.sample_rate_hz
        if rate_hz not in samples:
            samples[rate_hz] = read(audio, rate_hz)
        answers.append(measure(path, cast("Runtime", runtime), samples[rate_hz]))
    print(json.dumps(answers))


def read(audio: str, rate_hz: int) -> NDArray[np.int16]:
    """Return the recording at this rate, int16 [samples]."""
    samples = np.concatenate(list(read_blocks(Path(audio))))
    own_hz = open_recording(audio).sample_rate_hz
    return samples if own_hz == rate_hz else Resampler(own_hz, rate_hz).process(samples, last=True)


def measure(path: str, runtime: Runtime, samples: NDArray[np.int16]) -> dict[str, float]:
    """Return CPU seconds for each second of audio; samples: int16 [samples] at the model's rate."""
    # The samples are taken at the level that they have.
    detector = Detector(read_artefact(path), gain_db=0.0, runtime=runtime)
    metadata = detector.artefact.metadata
    length = metadata.network.frames_per_call * metadata.front_end.hop_length
    chunks = [samples[start : start + length] for start in range(0, len(samples), length)]
    call_seconds = length / metadata.front_end.sample_rate_hz
    for chunk in chunks[:WARM_UP_CALLS]:
        detector.process(chunk)
    began = time.process_time()
    for chunk in chunks:
        detector.process(chunk)
    total = time.process_time() - began
    frames = [
        detector.source.process(chunk) for chunk in chunks[: int(NETWORK_SECONDS / call_seconds)]
    ]
    began = time.process_time()
    for each in frames:
        detector.frames.steps(each)
    network = time.process_time() - began
    return {
        "cpu": total / (len(chunks) * call_seconds),
        "network": network / (len(frames) * call_seconds),
    }


if __name__ == "__main__":
    main()
