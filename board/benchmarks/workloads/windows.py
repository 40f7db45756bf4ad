"""The windows of the obvious way: ten seconds of frames, again every half second."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.audio import Resampler, open_recording, read_blocks
from firmware_py.front_end import FrontEnd, frames_of
from firmware_py.schema import from_mapping

WINDOW_SECONDS = 10.0
STEP_SECONDS = 0.5
NUM_WINDOWS = 12
"""Each costs the same; more tell nothing new."""


def read_front_end(config: str) -> FrontEnd:
    """Return the front end of a configuration file."""
    return from_mapping(FrontEnd, tomllib.loads(Path(config).read_text())["front_end"], config)


def num_frames(front_end: FrontEnd) -> int:
    """Return the frames of one window."""
    return front_end.num_frames(round(WINDOW_SECONDS * front_end.sample_rate_hz))


def cost(
    front_end: FrontEnd,
    audio: str,
    run: Callable[[NDArray[np.float32]], object],
    clock: Callable[[], float],
) -> float:
    """Return CPU seconds for each second of audio, spectrogram included.

    run: the network, on frames float32 [1, num_frames, num_bins]. The first window warms up.
    """
    rate_hz = front_end.sample_rate_hz
    samples = np.concatenate(list(read_blocks(Path(audio))))
    samples = Resampler(open_recording(audio).sample_rate_hz, rate_hz).process(samples, last=True)
    length, step = round(WINDOW_SECONDS * rate_hz), round(STEP_SECONDS * rate_hz)
    began = 0.0
    for index in range(NUM_WINDOWS + 1):
        if index == 1:
            began = clock()
        run(frames_of(front_end, samples[index * step : index * step + length])[None])
    return (clock() - began) / (NUM_WINDOWS * STEP_SECONDS)
