"""Pictures of an evaluation: latencies, and what the rates depend on."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.evaluation.conditions import Condition
from models.evaluation.metrics import OperatingPoint
from models.evaluation.results import Evaluation, Group

DPI = 110
COLOUR = "#0072b2"
MOST_BARS = 30
FEWEST_HOURS = 0.1
"""A rate an hour is not drawn from less: its interval would dwarf all the others."""

Rate = Callable[[OperatingPoint], tuple[float, float, float]]


def missed_percent(point: OperatingPoint) -> tuple[float, float, float]:
    """Return the miss rate and its interval in percent."""
    low, high = point.miss_rate_ci95
    return 100 * point.miss_rate, 100 * low, 100 * high


def false_accepts(point: OperatingPoint) -> tuple[float, float, float]:
    """Return the false accepts an hour and their interval."""
    return point.false_accepts_per_hour, *point.false_accepts_per_hour_ci95


def latencies(evaluation: Evaluation) -> Figure:
    """Return the distribution of the time from the word's end to the detection."""
    figure = Figure(figsize=(8.5, 4), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    milliseconds = 1000 * evaluation.latencies_seconds
    axes.set_title(f"{len(milliseconds)} detections", loc="left")
    axes.set_xlabel("from the end of the word to the detection (ms)")
    axes.set_ylabel("detections")
    axes.grid(axis="y", alpha=0.4)
    if not len(milliseconds):
        return figure
    low, high = np.percentile(milliseconds, (0.5, 99.5))
    width = max(10.0, 10.0 * np.ceil((high - low) / 400))
    edges = np.arange(width * np.floor(low / width), high + 2 * width, width).tolist()
    axes.hist(np.clip(milliseconds, edges[0], edges[-1]), edges, color=COLOUR, alpha=0.8)
    marks = np.percentile(milliseconds, (50, 95))
    for value, name, style in zip(marks, ("median", "95 % within"), ("-", "--"), strict=True):
        axes.axvline(value, color="black", linestyle=style, label=f"{name} {value:.0f} ms")
    axes.axvline(0, color="#d55e00", linestyle=":", linewidth=2, label="end of the word")
    axes.legend(framealpha=0.95)
    return figure


def by_condition(evaluation: Evaluation) -> Figure | None:
    """Return the rates over noise, level and microphone, None when only one was tried.

    Noise is mixed to the positives alone and has no false accepts of its own.
    """
    threshold = evaluation.policy.threshold
    points = {c: curve.at(threshold) for c, curve in evaluation.curves.items()}
    both = (("words missed (%)", missed_percent), ("false accepts an hour", false_accepts))
    rows = [
        ("speech over noise (dB)", _along(points, lambda c: c.snr_db), both[:1]),
        ("level of the speech (dBFS)", _along(points, lambda c: c.level_dbfs), both),
        ("rate of the microphone (Hz)", _along(points, lambda c: c.rate_hz), both),
    ]
    rows = [row for row in rows if len(row[1]) > 1]
    if not rows:
        return None
    figure = Figure(figsize=(10, 3.2 * len(rows)), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(len(rows), 2)
    for number, (axis, found, rates) in enumerate(rows):
        for column, (name, rate) in enumerate(rates):
            place = grid[number, column] if len(rates) > 1 else grid[number, :]
            axes = figure.add_subplot(place)
            _draw_along(axes, found, rate)
            axes.set_xlabel(axis)
            axes.set_ylabel(name)
    return figure


def by_group(groups: Sequence[Group], title: str) -> Figure | None:
    """Return misses and false accepts of each group, the worst ones; None for nothing to draw."""
    columns = [
        (name, rate, rated)
        for name, rate, rated in (
            ("words missed (%)", missed_percent, [g for g in groups if g.point.positives]),
            (
                "false accepts an hour",
                false_accepts,
                [g for g in groups if g.point.hours >= FEWEST_HOURS],
            ),
        )
        if rated
    ]
    if not columns:
        return None
    most = min(MOST_BARS, max(len(rated) for _, _, rated in columns))
    size = (5.5 * len(columns), 1.3 + 0.3 * most)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    places = figure.subplots(1, len(columns), squeeze=False)[0]
    for axes, (name, rate, rated) in zip(places, columns, strict=True):
        worst = sorted(rated, key=lambda group: rate(group.point))[-MOST_BARS:]
        _draw_bars(axes, worst, rate)
        cut = f", the worst {len(worst)} of {len(rated)}" if len(worst) < len(rated) else ""
        axes.set_title(title + cut, loc="left")
        axes.set_xlabel(name)
    return figure


def _along(
    points: dict[Condition, OperatingPoint], value: Callable[[Condition], float | None]
) -> list[tuple[str, OperatingPoint]]:
    """Return the points of the conditions that have a value, named by it, as recorded first."""
    as_recorded, *others = points.items()
    valued = [
        (f"{value(condition):g}", point)
        for condition, point in others
        if value(condition) is not None
    ]
    return [("as recorded", as_recorded[1]), *valued]


def _draw_along(axes: Axes, found: list[tuple[str, OperatingPoint]], rate: Rate) -> None:
    values, lows, highs = np.transpose([rate(point) for _, point in found])
    places = np.arange(len(found))
    axes.errorbar(
        places, values, np.stack((values - lows, highs - values)), fmt="o-", color=COLOUR, capsize=4
    )
    axes.set_xticks(places, [name for name, _ in found])
    axes.set_xlim(-0.4, len(found) - 0.6)
    axes.set_ylim(0, 1.08 * highs.max())
    axes.grid(axis="y", alpha=0.4)


def _draw_bars(axes: Axes, groups: Sequence[Group], rate: Rate) -> None:
    values, lows, highs = np.transpose([rate(group.point) for group in groups])
    places = np.arange(len(groups))
    axes.barh(places, values, color=COLOUR, alpha=0.75)
    axes.errorbar(
        values,
        places,
        xerr=np.stack((values - lows, highs - values)),
        fmt="none",
        color="black",
        capsize=3,
        linewidth=1,
    )
    axes.set_yticks(places, [group.name for group in groups])
    axes.set_ylim(-0.6, len(groups) - 0.4)
    axes.set_xlim(0, 1.04 * highs.max())
    axes.grid(axis="x", alpha=0.4)
