"""Rates with their intervals, and tables of them, in Markdown."""

from collections.abc import Sequence

from models.evaluation.metrics import OperatingPoint


def percent_with_interval(point: OperatingPoint) -> str:
    """Return the miss rate and its interval in percent."""
    low, high = point.miss_rate_ci95
    return f"{100 * point.miss_rate:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def rate_with_interval(point: OperatingPoint) -> str:
    """Return the false accepts an hour and their interval."""
    low, high = point.false_accepts_per_hour_ci95
    return f"{point.false_accepts_per_hour:.2f} ({low:.2f} to {high:.2f})"


def point_row(name: str, point: OperatingPoint) -> tuple[str, ...]:
    """Return name, words, missed (%), hours, false accepts, an hour; a dash for nothing tried."""
    words = (str(point.positives), percent_with_interval(point)) if point.positives else ("–", "–")
    if not point.hours:
        return (name, *words, "–", "–", "–")
    others = (f"{point.hours:.2f}", str(point.false_accepts), rate_with_interval(point))
    return (name, *words, *others)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
