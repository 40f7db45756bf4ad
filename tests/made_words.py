"""A small data set in the Speech Commands layout, its words made of tones."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from firmware_py.front_end import FrontEnd
from models.settings.config import Config
from models.settings.network import Network
from models.settings.schedule import Schedule
from models.settings.words import StreamLayoutSettings, WordsRecipe

RATE = 16000
PITCHES = {"yes": 500.0, "no": 900.0, "bed": 1600.0, "cat": 2100.0}
"""yes and no are labels; the others are unknown words."""
FRONT_END = FrontEnd(
    sample_rate_hz=RATE,
    window_length=400,
    hop_length=160,
    fft_length=512,
    full_scale=32768.0,
    num_mel_bins=16,
    log_epsilon=1e-6,
    mean=(-6.0,) * 16,
    deviation=(4.0,) * 16,
)
LABELS = ("silence", "unknown", "yes", "no")
NETWORK = Network(filters=12, kernel_size=8, stride=4, gru_units=(12,), head="softmax", dropout=0.0)


def tone_word(pitch_hz: float, seed: int, seconds: float = 0.5) -> NDArray[np.int16]:
    """Return one second with a tone of `seconds` in it, int16 [16000]."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(0.0, 20.0, RATE)
    start = rng.integers(2000, 6000)
    times = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * pitch_hz * rng.uniform(0.97, 1.03) * times)
    samples[start : start + len(times)] += 8000 * tone * np.hanning(len(times))
    return samples.astype(np.int16)


def make_data_set(root: Path, takes: int = 30) -> Path:
    """Write `takes` speakers of each word and some background noise; return the folder."""
    folder = root / "speech_commands"
    for word, pitch_hz in PITCHES.items():
        (folder / word).mkdir(parents=True, exist_ok=True)
        for number in range(takes):
            name = f"{number:08x}_nohash_0.wav"
            seed = 1000 * list(PITCHES).index(word) + number
            soundfile.write(folder / word / name, tone_word(pitch_hz, seed), RATE)
    noise = folder / "_background_noise_"
    noise.mkdir()
    samples = np.random.default_rng(5).normal(0.0, 300.0, 30 * RATE).astype(np.int16)
    soundfile.write(noise / "noise.wav", samples, RATE)
    return folder


def made_config(schedule: Schedule | None = None) -> Config:
    """Return a small configuration for the data set."""
    recipe = WordsRecipe(layout=StreamLayoutSettings(clip_seconds=2.0))
    schedule = schedule or Schedule(
        steps=40,
        last_steps=10,
        batch_size=8,
        repeats=2,
        average_momentum=0.995,
        evaluation_steps=20,
        checkpoint_steps=20,
        log_steps=10,
    )
    return Config("made", LABELS, FRONT_END, NETWORK, recipe=recipe, schedule=schedule)
