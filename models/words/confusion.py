"""Which word was taken for which: the matrix, its figures, as text and as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from firmware_py.errors import SettingsError
from models.evaluation.metrics import clopper_pearson

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Scores:
    """How one label fares; NaN where nothing was said or answered."""

    label: str
    precision: float
    recall: float
    f1: float
    count: int
    """How often it was said."""


@dataclass(frozen=True)
class Confusion:
    """Counts of what was said (rows) and what was answered (columns)."""

    labels: tuple[str, ...]
    counts: NDArray[np.int64]
    """[labels, labels]"""

    @classmethod
    def of(cls, labels: Sequence[str], said: Sequence[int], answered: Sequence[int]) -> "Confusion":
        """Return the matrix of parallel lists of label indices.

        Raises SettingsError for empty ones.
        """
        if not said:
            raise SettingsError("there are no clips to judge; name a data set that has some")
        return cls(tuple(labels), confusion_matrix(said, answered, labels=range(len(labels))))

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    @property
    def correct(self) -> int:
        return int(np.trace(self.counts))

    @property
    def accuracy(self) -> float:
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """The exact 95 % interval of the accuracy."""
        return clopper_pearson(self.correct, self.total)

    def scores(self) -> list[Scores]:
        """Return precision, recall and F1 of each label."""
        said, answered = np.indices(self.counts.shape)
        columns = precision_recall_fscore_support(
            said.ravel(),
            answered.ravel(),
            labels=range(len(self.labels)),
            sample_weight=self.counts.ravel(),
            zero_division=np.nan,
        )
        return [
            Scores(label, float(precision), float(recall), float(f1), int(count))
            for label, precision, recall, f1, count in zip(self.labels, *columns, strict=True)
        ]

    def text(self) -> str:
        """Return the matrix, a row for each label that was said."""
        width = max(len(label) for label in self.labels)
        cell = max(5, len(str(self.counts.max(initial=0))) + 1)
        head = " " * width + "".join(f"{label[: cell - 1]:>{cell}}" for label in self.labels)
        rows = [
            f"{label:<{width}}" + "".join(f"{count or '.':>{cell}}" for count in row)
            for label, row in zip(self.labels, self.counts, strict=True)
        ]
        return "\n".join([head, *rows])

    def table(self) -> str:
        """Return precision, recall and F1 of each label in per cent, as text."""
        lines = [f"{'label':<10}{'precision':>10}{'recall':>8}{'F1':>7}{'said':>6}"]
        lines += [
            f"{each.label:<10}{_percent(each.precision):>10}{_percent(each.recall):>8}"
            f"{_percent(each.f1):>7}{each.count:>6}"
            for each in self.scores()
        ]
        return "\n".join(lines)

    def mapping(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        low, high = self.interval
        return {
            "accuracy": round(self.accuracy, 4),
            "accuracy_ci95": [round(low, 4), round(high, 4)],
            "clips": self.total,
            "labels": list(self.labels),
            "confusion": self.counts.tolist(),
            "per_label": {
                each.label: {
                    "precision": _rounded(each.precision),
                    "recall": _rounded(each.recall),
                    "f1": _rounded(each.f1),
                }
                for each in self.scores()
            },
        }

    def picture(self, title: str) -> "Figure":
        """Return the matrix as shares of each row, with its counts."""
        from matplotlib.figure import Figure

        size = 2.2 + 0.55 * len(self.labels)
        figure = Figure(figsize=(size + 0.8, size), layout="constrained")
        axes = figure.add_subplot()
        shares = self.counts / np.maximum(1, self.counts.sum(axis=1, keepdims=True))
        image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        ticks = range(len(self.labels))
        axes.set_xticks(ticks, self.labels, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(ticks, self.labels)
        axes.set(xlabel="answered", ylabel="said", title=title)
        for (row, column), count in np.ndenumerate(self.counts):
            if count:
                colour = "white" if shares[row, column] > 0.55 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour)
        figure.colorbar(image, ax=axes, label="share of what was said", shrink=0.8)
        return figure


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f}"


def _rounded(share: float) -> float | None:
    return None if np.isnan(share) else round(share, 4)
