"""The bench of people as a table and as curves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from models.evaluation.conditions import AS_RECORDED, Condition
from models.evaluation.metrics import Curve, clopper_pearson
from models.evaluation.people_bench import RATES_PER_HOUR

INTRODUCTION = """# Words from text alone, judged on people

Each row is a network that learnt its words from synthetic voices only. What is missed of people
saying them, in percent, averaged over the words, at thresholds for so many false accepts an hour
of other speech (~: too few hours to count them, extrapolated). One half of the recordings may
choose between rows; the other half, and words that chose nothing, only confirm.
Made by `python -m models people-bench`; all figures with their counts are in `rows.json`.
"""
Cell = Mapping[str, Any]


def markdown(rows: Mapping[str, Sequence[Cell]]) -> str:
    """Return the page of all rows: the means of both halves, and each word of the last row."""
    parts = [INTRODUCTION]
    for half, title in (("choose", "The half that chooses"), ("confirm", "What only confirms")):
        parts += [f"## {title}\n", *_means(rows, half)]
    name, cells = list(rows.items())[-1]
    parts += [f"## By word: {name}\n", *_words(cells)]
    return "\n".join(parts) + "\n"


def _means(rows: Mapping[str, Sequence[Cell]], half: str) -> Iterable[str]:
    some = [cell for cells in rows.values() for cell in cells if cell["half"] == half]
    conditions = list(dict.fromkeys(cell["condition"] for cell in some))
    yield f"| row | false accepts an hour | {' | '.join(conditions)} |"
    yield f"| --- | ---: |{' ---: |' * len(conditions)}"
    for name, cells in rows.items():
        for rate in RATES_PER_HOUR:
            means = (_mean(_chosen(cells, half, rate, condition)) for condition in conditions)
            yield f"| {name} | {_rate(cells, rate)} | {' | '.join(means)} |"
    yield ""


def _words(cells: Sequence[Cell]) -> Iterable[str]:
    yield "| word | half | false accepts an hour | condition | missed | 95 % |"
    yield "| --- | --- | ---: | --- | ---: | ---: |"
    for cell in cells:
        low, high = clopper_pearson(cell["missed"], cell["positives"])
        yield (
            f"| {cell['word']} | {cell['half']} | {_rate([cell], cell['false_accepts_per_hour'])}"
            f" | {cell['condition']} | {cell['missed']} of {cell['positives']}"
            f" | {100 * low:.1f}-{100 * high:.1f} % |"
        )


def _chosen(cells: Sequence[Cell], half: str, rate: float, condition: str) -> list[Cell]:
    wanted = (half, rate, condition)
    keys = ("half", "false_accepts_per_hour", "condition")
    return [cell for cell in cells if tuple(cell[key] for key in keys) == wanted]


def _mean(cells: Sequence[Cell]) -> str:
    if not cells:
        return "-"
    return f"{100 * np.mean([cell['missed'] / cell['positives'] for cell in cells]):.1f}"


def _rate(cells: Sequence[Cell], rate: float) -> str:
    some = [cell for cell in cells if cell["false_accepts_per_hour"] == rate]
    return f"~{rate:g}" if any(cell["extrapolated"] for cell in some) else f"{rate:g}"


def trade_offs(curves: Mapping[tuple[str, Condition], Curve], title: str) -> Figure:
    """Return misses over false accepts of every word, in a room and at 10 dB of noise."""
    figure = Figure(figsize=(9.0, 6.0), dpi=110, layout="constrained")
    axes = figure.subplots()
    words = list(dict.fromkeys(word for word, _ in curves))
    for number, word in enumerate(words):
        for condition, line in ((AS_RECORDED, "-"), (Condition(snr_db=10.0), "--")):
            curve = curves[word, condition]
            label = word if condition == AS_RECORDED else f"{word}, {condition.name}"
            axes.plot(
                np.maximum(curve.false_accepts, 0.5) / curve.hours,
                100 * np.maximum(curve.misses, 0.5) / curve.positives,
                line,
                color=f"C{number}",
                label=label,
            )
    axes.set(xscale="log", yscale="log", title=title)
    axes.set_xlabel("false accepts an hour (fewer than one: drawn at half of one)")
    axes.set_ylabel("words missed (%)")
    axes.grid(which="both", alpha=0.3)
    axes.legend(ncols=2, fontsize="small", frameon=False)
    return figure
