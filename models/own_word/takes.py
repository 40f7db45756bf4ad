"""One's own takes of the phrase: cut to the word, and divided into training and test."""

import csv
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from firmware_py.errors import AudioError, SettingsError
from models.evaluation.background import active_part
from models.recordings.manifest import MANIFEST
from models.recordings.sources import load_samples, sound_files

SAMPLE_RATE_HZ = 16000
MARGIN_SECONDS = 0.08
"""Kept on both sides of the sound."""
LONGEST_SECONDS = 3.0
SHORTEST_SECONDS = 0.2
SAME_CORRELATION = 0.8
"""Two recordings that are this much alike are one, in two formats or at two levels. The same
person saying the same word twice stays below half of it."""
LONGEST_NAME = 50
"""Letters of a take's name that are kept: a file's name has 255 bytes, a letter up to four."""
FEWEST_TO_TEST = 6
"""With fewer takes all of them train."""
TEST_EVERY = 3
"""Every third take tests."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Take:
    """A take cut to the phrase, int16 [samples] at SAMPLE_RATE_HZ."""

    name: str
    samples: NDArray[np.int16]
    word_seconds: tuple[float, float]


def divide_takes(recordings: Path, train: Path, test: Path) -> tuple[int, int]:
    """Write the usable takes into two folders and return how many went into each.

    Unusable ones are named in the log. Raises SettingsError when none is left.
    """
    takes: list[Take] = []
    for path in sound_files(recordings):
        try:
            take = cut_take(path)
            for other in takes:
                if are_the_same(take.samples, other.samples):
                    raise AudioError(f"{path}: the same take as {other.name}; one is enough")
            takes.append(take)
        except AudioError as error:
            log.warning("skipped: %s", error)
    if not takes:
        raise SettingsError(f"{recordings}: no usable take of the phrase; record some as WAV files")
    last = slice(TEST_EVERY - 1, None, TEST_EVERY)
    tested = takes[last] if len(takes) >= FEWEST_TO_TEST else []
    trained = takes.copy()
    if tested:
        del trained[last]
    replace_takes(trained, train)
    replace_takes(tested, test)
    return len(trained), len(tested)


def cut_take(path: Path) -> Take:
    """Return the take without the silence around it; raises AudioError for what is no take."""
    samples = load_samples(path, SAMPLE_RATE_HZ)
    start, end = active_part(samples, SAMPLE_RATE_HZ)
    if end - start > LONGEST_SECONDS:
        raise AudioError(
            f"{path}: {end - start:.1f} s of sound is more than the phrase; cut the file so that it"
            " holds the phrase once, with silence around it"
        )
    if end - start < SHORTEST_SECONDS:
        raise AudioError(
            f"{path}: {end - start:.2f} s of sound is too short for the phrase; say the whole of it"
        )
    first = max(0, round((start - MARGIN_SECONDS) * SAMPLE_RATE_HZ))
    last = round((end + MARGIN_SECONDS) * SAMPLE_RATE_HZ)
    offset = first / SAMPLE_RATE_HZ
    return Take(path.stem, samples[first:last], (start - offset, end - offset))


def are_the_same(first: NDArray[np.int16], second: NDArray[np.int16]) -> bool:
    """Tell whether two takes, int16 [samples], are one recording: by their highest correlation."""
    if not 0.8 < len(first) / len(second) < 1.25:
        return False
    size = 2 ** (len(first) + len(second)).bit_length()
    spectra = np.fft.rfft(first, size) * np.conj(np.fft.rfft(second, size))
    scale = np.linalg.norm(first.astype(float)) * np.linalg.norm(second.astype(float))
    return bool(np.fft.irfft(spectra, size).max() > SAME_CORRELATION * scale)


def replace_takes(takes: list[Take], folder: Path) -> None:
    """Replace the folder by these takes and a manifest that tells where the phrase is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = []
    for number, take in enumerate(takes, 1):
        name = f"take-{number:02d}-{take.name[:LONGEST_NAME]}.flac"
        soundfile.write(folder / name, take.samples, SAMPLE_RATE_HZ, "PCM_16")
        start, end = take.word_seconds
        rows.append(
            {"file": name, "word_start_seconds": f"{start:.3f}", "word_end_seconds": f"{end:.3f}"}
        )
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "word_start_seconds", "word_end_seconds"])
        writer.writeheader()
        writer.writerows(rows)
