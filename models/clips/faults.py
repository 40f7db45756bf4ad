"""What real recordings have beside noise: hum, and silence to the last bit between words.

All functions take float32 samples in int16 units and a legacy random generator.
"""

import numpy as np
from scipy import ndimage

from firmware_py.level import FULL_SCALE
from models.clips.noise import Signal

MAINS_HZ = (50.0, 60.0)
HARMONICS = 8
HUM_DBFS = (-55.0, -12.0)
QUIET_FLOOR_DBFS = (-95.0, -62.0)
"""Level of what is heard in a quiet room between the words."""
GATE_HOLD_SECONDS = (0.02, 0.25)
GATE_FADE_SECONDS = 0.005


def hum(rng: np.random.RandomState, length: int, sample_rate_hz: int) -> Signal:
    """Return the hum of the mains and its harmonics, float32 [length], at a random level."""
    times = np.arange(length, dtype=np.float32) / sample_rate_hz
    mains_hz = MAINS_HZ[rng.randint(len(MAINS_HZ))] * rng.uniform(0.998, 1.002)
    strengths = rng.uniform(0.0, 1.0, HARMONICS) / np.arange(1, HARMONICS + 1)
    phases = rng.uniform(0.0, 2 * np.pi, HARMONICS)
    wave = np.zeros(length, np.float32)
    for number, (strength, phase) in enumerate(zip(strengths, phases, strict=True), start=1):
        wave += np.float32(strength) * np.sin(
            np.float32(2 * np.pi * mains_hz * number) * times + np.float32(phase)
        )
    level = FULL_SCALE * 10 ** (rng.uniform(*HUM_DBFS) / 20)
    return wave * np.float32(level / (np.sqrt(np.mean(np.square(wave))) + 1e-9))


def gated(
    rng: np.random.RandomState, samples: Signal, speech: Signal, sample_rate_hz: int
) -> Signal:
    """Return the samples with digital silence wherever nobody speaks, as a noise gate leaves.

    samples and result: float32 [samples]. speech: of the same length, 0 where nobody speaks.
    """
    hold = int(rng.uniform(*GATE_HOLD_SECONDS) * sample_rate_hz)
    open_gate = ndimage.maximum_filter1d((speech != 0).astype(np.float32), 2 * hold + 1)
    fade = max(1, int(GATE_FADE_SECONDS * sample_rate_hz))
    gain: Signal = ndimage.uniform_filter1d(open_gate, fade)
    return samples * gain
