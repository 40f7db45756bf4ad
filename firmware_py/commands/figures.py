"""How well a model hears, in figures that people understand."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware_py.artefact import Metadata

Figures = Mapping[str, Any]


def summary(metadata: "Metadata") -> str:
    """Return misses and false accepts of the evaluation that travels with a model, on one line."""
    evaluation = metadata.evaluation
    stream = evaluation.get("stream")
    if isinstance(stream, Mapping):
        return _of_commands(stream)
    missed, false = _share(evaluation, "misses", "positives"), _rate(evaluation)
    return f"misses {missed}; {false}" if missed and false else "not measured"


def rows(metadata: "Metadata") -> Iterator[tuple[str, str]]:
    """Yield names and figures, the model's own policy first, then its operating points."""
    evaluation = metadata.evaluation
    yield "how well", summary(metadata)
    missed = _interval(evaluation, "miss_rate_ci95", 100)
    false = _interval(evaluation, "false_accepts_per_hour_ci95", 1)
    if missed and false:
        yield "", f"with 95 % certainty {missed} % missed, and {false} false accepts an hour"
    latency = evaluation.get("latency")
    if isinstance(latency, Mapping) and _is_number(latency.get("median_seconds")):
        yield (
            "answers",
            f"{latency['median_seconds']:.2f} s after the end of the word, at the median",
        )
    points = evaluation.get("operating_points")
    for name, point in points.items() if isinstance(points, Mapping) else ():
        missed, false = _share(point, "misses", "positives"), _rate(point)
        if missed and false:
            yield name, f"misses {missed}; {false}"


def _of_commands(stream: Figures) -> str:
    matched = _share(stream, "matched", "words")
    minutes, false = stream.get("minutes"), stream.get("false_positives")
    if not matched or not _is_number(minutes) or not _is_number(false):
        return "not measured"
    return f"hears {matched} in a stream of words; {false} false in {minutes:g} minutes"


def _share(figures: Any, part: str, whole: str) -> str:
    """Return such as "34 of 231 (15 %)", nothing where the figures are not there."""
    if not isinstance(figures, Mapping):
        return ""
    count, total = figures.get(part), figures.get(whole)
    if not isinstance(count, int) or not isinstance(total, int) or total < 1:
        return ""
    return f"{count:g} of {total:g} ({100 * count / total:.0f} %)"


def _rate(figures: Any) -> str:
    if not isinstance(figures, Mapping):
        return ""
    rate, hours = figures.get("false_accepts_per_hour"), figures.get("hours")
    if not _is_number(rate):
        return ""
    heard = f" in {hours:.1f} h of other sound" if _is_number(hours) else ""
    return f"{rate:.1f} false accepts an hour{heard}"


def _interval(figures: Figures, name: str, scale: float) -> str:
    pair = figures.get(name)
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(map(_is_number, pair)):
        return ""
    return f"{scale * pair[0]:.2g} to {scale * pair[1]:.2g}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
