"""The results as a picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from board.benchmarks.benchmark import BenchmarkRow
from board.benchmarks.emulated import BOARDS
from board.benchmarks.floor import PEAK
from board.benchmarks.results import PICTURE, Results

COLOURS = {"ours": "#1b6ca8", "peer": "#d17b0f", "naive": "#9c2c2c", "floor": "#7a7a7a"}
NAMES = {
    "ours": "ours, cheapest mode",
    "peer": "other engines",
    "naive": "the whole window again",
    "floor": "arithmetic floor",
}


def draw_costs(results: Results, folder: Path) -> None:
    """Write the picture: costs side by side, how ours grows, and estimates for boards."""
    with mpl.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(14, 7), layout="constrained")
        grid = figure.add_gridspec(2, 3, width_ratios=(1.6, 1, 1))
        _draw_costs(figure.add_subplot(grid[:, 0]), results)
        _draw_growth(figure.add_subplot(grid[0, 1]), results.group("chunk"), "chunk in ms")
        _draw_growth(figure.add_subplot(grid[0, 2]), results.group("stream"), "stream in seconds")
        _draw_growth(
            figure.add_subplot(grid[1, 1]), results.group("models"), "models", scale="linear"
        )
        _draw_boards(figure.add_subplot(grid[1, 2]), results)
        figure.suptitle(f"CPU seconds for each second of audio, one thread ({results.date})")
        figure.savefig(folder / PICTURE, dpi=110)


def _draw_costs(axes: Axes, results: Results) -> None:
    rows = sorted(_chosen(results), key=lambda row: row.cpu, reverse=True)
    if not rows:
        return
    labels = [f"{row.name}\n{row.detail}" for row in rows]
    bars = axes.barh(labels, [row.cpu for row in rows], color=[COLOURS[r.group] for r in rows])
    axes.bar_label(bars, [f"{row.cpu:.5f}" for row in rows], padding=3)
    axes.set_xscale("log")
    axes.set_xlim(min(row.cpu for row in rows) / 2, max(row.cpu for row in rows) * 4)
    axes.set_xlabel("CPU seconds a second (logarithmic)")
    present = [group for group in COLOURS if any(row.group == group for row in rows)]
    handles = [axes.barh([labels[0]], [0], color=COLOURS[group]) for group in present]
    axes.legend(handles, [NAMES[group] for group in present], loc="upper right", frameon=False)


def _chosen(results: Results) -> list[BenchmarkRow]:
    """Return the cheapest of each model on each interpreter, and all others at their best."""
    floors = [row for row in results.group("floor") if row.detail == PEAK]
    return [*results.cheapest_of_each(), *results.group("peer"), *results.group("naive"), *floors]


def _draw_growth(axes: Axes, rows: Sequence[BenchmarkRow], label: str, scale: str = "log") -> None:
    for name in dict.fromkeys(row.name for row in rows):
        points = [(float(row.detail.split()[0]), row.cpu) for row in rows if row.name == name]
        axes.plot(*zip(*points, strict=True), marker="o", ms=3, label=name)
    axes.set_xscale(scale)
    places = sorted({float(row.detail.split()[0]) for row in rows})
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.set_xticks([], minor=True)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel(label)
    axes.set_ylabel("CPU seconds a second")
    axes.grid(alpha=0.3)
    if rows:
        axes.legend(frameon=False)


def _draw_boards(axes: Axes, results: Results) -> None:
    """Draw the cheaper interpreter of each model on each board."""
    models = list(dict.fromkeys((count.name, count.detail) for count in results.counts))
    boards = [(cpu, board, clock) for cpu, rows in BOARDS.items() for board, clock in rows]
    width = 0.8 / max(1, len(models))
    for index, model in enumerate(models):
        percents = [
            min(
                (
                    count.core_percent(clock)
                    for count in results.counts
                    if (count.processor, count.name, count.detail) == (cpu, *model)
                ),
                default=0.0,
            )
            for cpu, _, clock in boards
        ]
        places = [place + index * width for place in range(len(boards))]
        axes.bar(places, percents, width, label=", ".join(model))
    middle = 0.4 - width / 2
    axes.set_xticks([place + middle for place in range(len(boards))], [row[1] for row in boards])
    axes.set_ylabel("% of one core (estimate\nfrom instruction counts)")
    axes.margins(y=0.8)
    if models:
        axes.legend(frameon=False)
