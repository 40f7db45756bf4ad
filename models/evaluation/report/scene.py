"""A picture of a stretch of sound: spectrogram, labels and what the network says."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firmware_py.audio import blocks_of
from firmware_py.front_end import FrontEnd, FrontEndStream
from firmware_py.front_end.mel import hz_to_mel
from models.evaluation.conditions import resampled

COLUMNS = 4000
"""A spectrogram is never drawn wider than this; longer ones show the maximum of neighbours."""
AFTER_DETECTION_SECONDS = 0.05
LABEL_SECONDS = 0.25
"""The network is taught to be high for this long after the word."""
POSTERIOR_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
WORD_COLOUR, LABEL_COLOUR, DETECTION_COLOUR = "#e69f00", "#009e73", "#d55e00"
RANGE_DB = 90.0
"""What is further below the loudest is drawn as dark as this."""
NEPERS_DB = 10.0 / np.log(10.0)
"""One natural logarithm of a power, in dB."""
TICKS_HZ = (100, 250, 500, 1000, 2000, 4000, 8000)


@dataclass(frozen=True)
class NetworkResponse:
    """What a network says to the stretch."""

    labels: tuple[str, ...]
    step_seconds: NDArray[np.float64]
    """Time of each step from the start of the stretch, [steps]."""
    posteriors: NDArray[np.float32]
    """The (first stage's) network's, [steps, labels]."""
    scores: NDArray[np.float64]
    """What the policy compares with its threshold, [steps, labels]: smoothed, of both stages."""
    threshold: float
    detections_seconds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Excerpt:
    """A stretch of sound and what is known about it."""

    title: str
    samples: NDArray[np.int16]
    """[samples]"""
    sample_rate_hz: int
    front_end: FrontEnd
    said: NetworkResponse | None = None
    word_seconds: tuple[float, float] | None = None
    """Start and end of the word."""


def draw_excerpt(scene: Excerpt) -> Figure:
    """Return the picture of a scene: the spectrogram above, the scores below."""
    rows = 2 if scene.said else 1
    figure = Figure(figsize=(11, 1.2 + 2.5 * rows), dpi=110, layout="constrained")
    grid = figure.add_gridspec(rows, 2, width_ratios=(60, 1), height_ratios=(3, 2)[:rows])
    above = figure.add_subplot(grid[0, 0])
    _draw_spectrogram(figure, above, figure.add_subplot(grid[0, 1]), scene)
    _mark_word(above, scene.word_seconds, strip=True)
    above.set_title(scene.title, loc="left")
    lowest = above
    if scene.said:
        lowest = figure.add_subplot(grid[1, 0], sharex=above)
        above.tick_params(labelbottom=False)
        _draw_posteriors(lowest, scene.said)
        _mark_word(lowest, scene.word_seconds, strip=False)
    lowest.set_xlabel("time (s)")
    lowest.set_xlim(0, _end_seconds(scene))
    if scene.said or scene.word_seconds:
        figure.legend(
            *lowest.get_legend_handles_labels(), loc="outside lower center", ncols=8, frameon=False
        )
    return figure


def _end_seconds(scene: Excerpt) -> float:
    """Return where the picture ends: with the sound, or just after what is heard at its end."""
    sound = len(scene.samples) / scene.sample_rate_hz
    detections = scene.said.detections_seconds if scene.said else ()
    return max(sound, *(time + AFTER_DETECTION_SECONDS for time in detections), 0.0)


def spectrogram(scene: Excerpt) -> NDArray[np.float64]:
    """Return what is drawn, float64 [bins, frames]: the front end's frames, in dB if linear."""
    front_end = scene.front_end
    samples, _ = resampled(scene.samples, scene.sample_rate_hz, front_end.sample_rate_hz)
    stream = FrontEndStream(front_end)
    frames = np.concatenate([stream.process(block) for block in blocks_of(samples)])
    picture = frames.T.astype(np.float64)
    if front_end.log_epsilon is None:
        factor = 20.0 if front_end.scaling == "magnitude" else 10.0
        picture = factor * np.log10(picture + 1e-10)
    return picture


def _draw_spectrogram(figure: Figure, axes: Axes, scale: Axes, scene: Excerpt) -> None:
    front_end = scene.front_end
    picture = spectrogram(scene)
    first = front_end.span_length / 2 / front_end.sample_rate_hz
    end = first + picture.shape[1] * front_end.frame_seconds
    low, unit = _scale(front_end, picture)
    image = axes.imshow(
        _narrowed(picture),
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=low,
        extent=(first, end, -0.5, front_end.num_bins - 0.5),
        interpolation="nearest",
    )
    positions, names = _frequency_ticks(front_end)
    axes.set_yticks(positions, names)
    axes.set_ylabel("frequency (Hz)")
    figure.colorbar(image, cax=scale, label=unit)


def _scale(front_end: FrontEnd, picture: NDArray[np.float64]) -> tuple[float, str]:
    """Return the value drawn darkest and the unit; digital silence would darken all the rest."""
    low, high = (float(np.min(picture)), float(np.max(picture))) if picture.size else (0.0, 1.0)
    if front_end.mean or front_end.deviation:
        return low, "deviations from the mean"
    if front_end.log_epsilon is None:
        return max(low, high - RANGE_DB), "dB"
    return max(low, high - RANGE_DB / NEPERS_DB), "ln(power)"


def _draw_posteriors(axes: Axes, said: NetworkResponse) -> None:
    for index, label in enumerate(said.labels):
        colour = POSTERIOR_COLOURS[index % len(POSTERIOR_COLOURS)]
        axes.plot(said.step_seconds, said.scores[:, index], color=colour, label=label)
        axes.plot(
            said.step_seconds,
            said.posteriors[:, index],
            color=colour,
            linestyle=":",
            linewidth=1,
            label="_" if index else "posterior",
        )
    axes.axhline(
        said.threshold,
        color="0.3",
        linestyle="--",
        linewidth=1,
        label=f"threshold {said.threshold:.3g}",
    )
    for number, time in enumerate(said.detections_seconds):
        axes.axvline(
            time, color=DETECTION_COLOUR, linewidth=1.5, label="_" if number else "detection"
        )
    axes.set_ylim(-0.03, 1.05)
    axes.set_ylabel("score")
    axes.grid(alpha=0.3)


def _mark_word(axes: Axes, word_seconds: tuple[float, float] | None, *, strip: bool) -> None:
    """Mark the word, and the time after it in which the network should be high.

    strip: at the upper edge only, so that the colours of a picture stay as they are.
    """
    if word_seconds is None:
        return
    start, end = word_seconds
    for first, last, colour, name in (
        (start, end, WORD_COLOUR, "word"),
        (end, end + LABEL_SECONDS, LABEL_COLOUR, "label"),
    ):
        low, alpha, layer = (0.97, 1.0, 2.0) if strip else (0.0, 0.25, 0.5)
        axes.axvspan(first, last, low, 1.0, facecolor=colour, alpha=alpha, label=name, zorder=layer)
        if strip:
            axes.axvline(last, color=colour, linewidth=1)


def _frequency_ticks(front_end: FrontEnd) -> tuple[list[float], list[str]]:
    """Return bin positions and names of round frequencies."""
    if not front_end.num_mel_bins:
        top_khz = front_end.sample_rate_hz / 2000
        step_khz = 5 if top_khz > 10 else 2
        shown = [1000.0 * khz for khz in range(0, int(top_khz) + 1, step_khz)]
        scale = front_end.num_fft_points / front_end.sample_rate_hz
        return [hertz * scale for hertz in shown], [f"{hertz:g}" for hertz in shown]
    low, high = hz_to_mel(front_end.mel_low_hz), hz_to_mel(front_end.mel_high_hz)
    shown = [hertz for hertz in TICKS_HZ if front_end.mel_low_hz < hertz < front_end.mel_high_hz]
    bins = (hz_to_mel(shown) - low) / (high - low) * (front_end.num_mel_bins + 1) - 1
    return bins.tolist(), [f"{hertz:g}" for hertz in shown]


def _narrowed(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return at most COLUMNS columns, each the maximum of its neighbours."""
    group = -(-picture.shape[1] // COLUMNS)
    if group < 2:
        return picture
    missing = -picture.shape[1] % group
    padded = np.pad(picture, ((0, 0), (0, missing)), mode="edge")
    return np.asarray(padded.reshape(len(picture), -1, group).max(axis=2))
