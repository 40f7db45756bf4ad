"""A microphone that is wrong is named in words."""

import numpy as np
import pytest
from numpy.typing import NDArray

from firmware_py.monitor.microphone_health import (
    diagnose,
    level_dbfs,
    peak_dbfs,
)

RATE_HZ = 16000
SECONDS = np.arange(4 * RATE_HZ) / RATE_HZ
NOISE = np.random.default_rng(3).standard_normal(len(SECONDS))
SPEECH = NOISE * 3000 * (np.sin(2 * np.pi * 1.5 * SECONDS) > 0)


def int16(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def hum(hz: float, amplitude: float) -> NDArray[np.float64]:
    overtones = [np.sin(2 * np.pi * hz * k * SECONDS) / k for k in (1, 2, 3)]
    return amplitude * np.sum(overtones, axis=0)


@pytest.mark.parametrize(
    ("samples", "faults"),
    [
        (SPEECH, []),
        (SPEECH + 20 * NOISE + hum(50, 300), []),
        (20 * NOISE, []),
        (0 * NOISE, ["silent"]),
        (SPEECH * 20, ["clipping"]),
        (2 * NOISE, ["quiet"]),
        (hum(50, 2000) + 20 * NOISE, ["hum"]),
        (hum(60, 2000) + 20 * NOISE, ["hum"]),
        (hum(50.2, 800) + 20 * NOISE, ["hum"]),
        (hum(440, 2000), []),
        (hum(125, 2000), []),
    ],
)
def test_the_fault_is_named(samples: NDArray[np.float64], faults: list[str]) -> None:
    assert [finding.fault for finding in diagnose(int16(samples), RATE_HZ)] == faults


def test_the_frequency_of_the_mains_is_said() -> None:
    assert "60 Hz" in diagnose(int16(hum(60, 2000)), RATE_HZ)[0].text


def test_too_little_sound_says_nothing() -> None:
    assert diagnose(np.zeros(RATE_HZ, np.int16), RATE_HZ) == []


def test_levels_are_those_of_known_signals() -> None:
    square = np.full(1000, -32768, np.int16)
    assert level_dbfs(square) == pytest.approx(0.0, abs=1e-3)
    assert peak_dbfs(square) == pytest.approx(0.0, abs=1e-3)
    sine = int16(16384 * np.sin(2 * np.pi * 100 * SECONDS))
    assert level_dbfs(sine) == pytest.approx(-9.03, abs=0.01)
    assert peak_dbfs(sine) == pytest.approx(-6.02, abs=0.01)
    assert level_dbfs(square[:0]) == peak_dbfs(square[:0]) == peak_dbfs(square * 0) == -100.0
