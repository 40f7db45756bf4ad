"""Counters in the text format of Prometheus.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Metric:
    """One measured quantity."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    value: float | Sequence[tuple[str, float]]
    """A number, or a number for each value of `label`."""
    label: str = ""


def exposition(metrics: Sequence[Metric]) -> str:
    """Return the metrics in Prometheus' text format."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        if isinstance(metric.value, Sequence):
            lines += [
                f'{metric.name}{{{metric.label}="{_escaped(key)}"}} {number}'
                for key, number in metric.value
            ]
        else:
            lines.append(f"{metric.name} {metric.value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
