"""Silence is told from sound by its peaks."""

import numpy as np
import pytest

from firmware_py.live.pace import HOLD_SECONDS, Pace

RNG = np.random.default_rng(4)


def noise(amplitude: float, seconds: float) -> list[np.ndarray]:
    """Return blocks of 80 ms at 16 kHz."""
    samples = np.rint(RNG.normal(0, amplitude, round(seconds * 16000))).astype(np.int16)
    return np.array_split(samples, round(seconds / 0.08))


def hear(pace: Pace, blocks: list[np.ndarray]) -> list[bool]:
    quiet = []
    for block in blocks:
        pace.hear(block, 0.08)
        quiet.append(pace.is_quiet)
    return quiet


@pytest.mark.parametrize("amplitude", [0, 5, 60, 2000])
def test_a_room_is_quiet_after_a_while_whatever_its_noise(amplitude: float) -> None:
    quiet = hear(Pace(), noise(amplitude, 30))
    assert not quiet[0]
    assert np.mean(quiet[round(HOLD_SECONDS / 0.08) + 1 :]) > 0.8  # peaks of noise are seldom high


def test_a_word_is_heard_at_its_first_loud_block_and_held() -> None:
    pace = Pace()
    hear(pace, noise(60, 10))
    assert not any(hear(pace, noise(600, 0.8)))
    quiet = hear(pace, noise(60, 5))
    assert quiet.index(True) == pytest.approx(HOLD_SECONDS / 0.08, abs=1)


def test_a_new_noise_becomes_the_room() -> None:
    pace = Pace()
    hear(pace, noise(60, 10))
    quiet = hear(pace, noise(240, 40))
    assert not any(quiet[: round(5 / 0.08)])
    assert all(quiet[round(25 / 0.08) :])


def test_a_word_after_a_muted_second() -> None:
    pace = Pace()
    hear(pace, noise(60, 10))
    hear(pace, noise(0, 1))
    assert not any(hear(pace, noise(600, 0.8)))
