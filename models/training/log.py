"""What a training run leaves to look at: training.csv, TensorBoard's files, log lines."""

import csv
import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from models.replacing import replacing

LOG = "training.csv"
TENSORBOARD = "tensorboard"

log = logging.getLogger(__name__)


class TrainingLog:
    """Writes as a run goes on; a resumed run goes on in the same files."""

    def __init__(self, folder: Path, step: int) -> None:
        """Rows past `step`, which a resumed run will write again, are dropped."""
        self._path = folder / LOG
        self._recent: list[Mapping[str, float]] = []
        self._writer = tf.summary.create_file_writer(str(folder / TENSORBOARD))
        kept = [row for row in read_log(folder) if int(row["step"]) <= step] if step else []
        self._write(kept)

    def step(self, step: int, learning_rate: float, found: Mapping[str, float]) -> None:
        """Note one step of training; found: loss and metrics of its batch."""
        self._recent.append(found)
        self._show(step, {**found, "learning_rate": learning_rate})

    def means(self, steps: int) -> dict[str, float]:
        """Return the means of loss and metrics, of so many steps but since the last evaluation."""
        recent = self._recent[-steps:]
        return {name: float(np.mean([each[name] for each in recent])) for name in recent[-1]}

    def evaluation(self, step: int, learning_rate: float, figures: Mapping[str, float]) -> None:
        """Note how the network was judged after a step."""
        means = self.means(len(self._recent))
        self._recent = []
        row = {name: f"{value:.5g}" for name, value in means.items()}
        row |= {"learning_rate": f"{learning_rate:.5g}"}
        row |= {name: f"{value:.5g}" for name, value in figures.items()}
        self._write([*read_log(self._path.parent), {"step": str(step)} | row])
        self._show(step, figures)
        self._writer.flush()
        log.info("step %d: %s", step, ", ".join(f"{name} {text}" for name, text in row.items()))

    def close(self) -> None:
        self._writer.close()

    def _show(self, step: int, values: Mapping[str, float]) -> None:
        with self._writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def _write(self, rows: list[dict[str, str]]) -> None:
        if not rows:
            self._path.unlink(missing_ok=True)
            return
        with replacing(self._path) as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[-1]))
            writer.writeheader()
            writer.writerows(rows)


def read_log(folder: Path) -> list[dict[str, str]]:
    """Return the evaluations of a run so far, by column."""
    path = folder / LOG
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
