"""The trade-off between misses and false accepts, drawn: a DET curve."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from models.evaluation.metrics import Curve, OperatingPoint, clopper_pearson
from models.evaluation.results import Evaluation

MAIN_COLOUR = "#0072b2"
NOISE_COLOURS = ("#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#999999")


def trade_off(evaluation: Evaluation) -> Figure:
    """Return the miss rate over the false accepts an hour, both logarithmic.

    The logarithm has no place for nothing: where no event was observed, a point lies on the
    edge marked 0, at half an event.
    """
    figure = Figure(figsize=(8.5, 6.5), dpi=110, layout="constrained")
    axes = figure.subplots()
    plane = _Plane(axes, evaluation.curve)
    plane.draw_band(evaluation.curve)
    noisy = [condition for condition in evaluation.curves if condition.snr_db is not None]
    for colour, condition in zip(NOISE_COLOURS, noisy, strict=False):
        plane.draw(evaluation.curves[condition], condition.name, colour, 1.4)
    plane.draw(evaluation.curve, "as recorded", MAIN_COLOUR, 2.4)
    plane.draw_point(evaluation.point)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    curve, name = evaluation.curve, evaluation.heard.artefact.metadata.name
    axes.set_title(
        f"{name}: {curve.positives} words, {curve.hours:.2f} h without the word", loc="left"
    )
    return figure


class _Plane:
    """Logarithmic axes with an edge for 0."""

    def __init__(self, axes: Axes, curve: Curve) -> None:
        self._axes = axes
        self._nothing = np.array([0.5 / max(curve.hours, 1e-9), 50.0 / max(curve.positives, 1)])
        axes.set_xscale("log")
        axes.set_yscale("log")
        most = max(2.0, float(curve.false_accepts.max())) / max(curve.hours, 1e-9)
        _mark(axes.xaxis, self._nothing[0], most)
        _mark(axes.yaxis, self._nothing[1], 100.0)
        axes.set_xlim(self._nothing[0] / 1.15, most * 1.15)
        axes.set_ylim(self._nothing[1] / 1.15, 115.0)
        axes.set_xlabel("false accepts an hour")
        axes.set_ylabel("words missed (%)")
        axes.grid(which="major", alpha=0.35)

    def draw(self, curve: Curve, name: str, colour: str, width: float) -> None:
        """Draw every threshold of a curve."""
        misses = self._y(100 * curve.misses / curve.positives)
        self._axes.plot(self._x(curve), misses, color=colour, linewidth=width, label=name)

    def draw_band(self, curve: Curve) -> None:
        """Shade the interval of the miss rate."""
        bounds = [clopper_pearson(int(misses), curve.positives) for misses in curve.misses]
        low, high = (self._y(100 * bound) for bound in np.transpose(bounds))
        self._axes.fill_between(
            self._x(curve),
            low,
            high,
            color=MAIN_COLOUR,
            alpha=0.13,
            linewidth=0,
            label="95 % interval, as recorded",
        )

    def draw_point(self, point: OperatingPoint) -> None:
        """Draw the operating point with both of its intervals."""
        rates = (point.false_accepts_per_hour, *point.false_accepts_per_hour_ci95)
        misses = 100 * np.array([point.miss_rate, *point.miss_rate_ci95])
        x, x_low, x_high = np.maximum(rates, self._nothing[0])
        y, y_low, y_high = np.maximum(misses, self._nothing[1])
        self._axes.errorbar(
            x,
            y,
            xerr=np.array([[x - x_low], [x_high - x]]),
            yerr=np.array([[y - y_low], [y_high - y]]),
            fmt="o",
            color="black",
            markersize=7,
            capsize=4,
            linewidth=1.3,
            zorder=5,
            clip_on=False,
            label=f"operating point, threshold {point.threshold:.3g}",
        )

    def _x(self, curve: Curve) -> NDArray[np.float64]:
        rates = curve.false_accepts / max(curve.hours, 1e-9)
        return np.maximum(rates, self._nothing[0])

    def _y(self, percent: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum(percent, self._nothing[1])


def _mark(axis: Axis, nothing: float, most: float) -> None:
    """Mark 0 at the edge and round numbers above it."""
    decades = 10.0 ** np.arange(-4, 7)
    round_numbers = [k * decade for decade in decades for k in (1, 2, 5)]
    shown = [number for number in round_numbers if 1.5 * nothing < number <= 1.01 * most]
    axis.set_major_locator(FixedLocator([nothing, *shown]))
    axis.set_major_formatter(FixedFormatter(["0", *(f"{number:g}" for number in shown)]))
    axis.set_minor_locator(NullLocator())
