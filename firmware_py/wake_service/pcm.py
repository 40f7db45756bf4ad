"""Raw audio of any common format as mono int16."""

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import AudioError


def mono_samples(data: bytes, sample_bytes: int, num_channels: int) -> NDArray[np.int16]:
    """Return the first channel, int16 [frames].

    data: little-endian PCM, interleaved; one byte a sample is unsigned, as in WAV.
    sample_bytes: 1, 2, 3 or 4; wider samples lose their lower bits.
    Raises AudioError for another width and for half frames.
    """
    frame_bytes = sample_bytes * num_channels
    if sample_bytes not in (1, 2, 3, 4) or num_channels < 1:
        raise AudioError(f"{sample_bytes} bytes x {num_channels} channels is no PCM format")
    if len(data) % frame_bytes:
        raise AudioError(f"{len(data)} bytes are not whole frames of {frame_bytes}")
    frames = np.frombuffer(data, np.uint8).reshape(-1, frame_bytes)
    if sample_bytes == 1:
        return (frames[:, 0].astype(np.int16) - 128) * 256
    top = frames[:, sample_bytes - 2 : sample_bytes]
    return np.ascontiguousarray(top).view("<i2")[:, 0].astype(np.int16)
