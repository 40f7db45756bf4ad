"""What a training run leaves to look at: training.csv, TensorBoard's files, log lines."""

import csv
import logging
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import tensorflow as tf

from models.replacing import replacing

LOG = "training.csv"
TENSORBOARD = "tensorboard"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """How a run stands at an evaluation."""

    step: int
    loss: float
    """Mean since the last evaluation."""
    learning_rate: float
    mean_miss_rate: float


class TrainingLog:
    """Writes as a run goes on; a resumed run goes on in the same files."""

    def __init__(self, folder: Path, step: int) -> None:
        """Rows past `step`, which a resumed run will write again, are dropped."""
        self._path = folder / LOG
        self._losses: list[float] = []
        self._writer = tf.summary.create_file_writer(str(folder / TENSORBOARD))
        self._write([row for row in read_log(folder) if row.step <= step])

    def step(self, step: int, loss: float, learning_rate: float) -> None:
        """Note one step of training."""
        self._losses.append(loss)
        with self._writer.as_default(step=step):
            tf.summary.scalar("loss", loss)
            tf.summary.scalar("learning_rate", learning_rate)

    def evaluation(
        self, step: int, learning_rate: float, mean_miss_rate: float, best: float
    ) -> None:
        """Note how the network does on the development clips."""
        loss = float(np.mean(self._losses)) if self._losses else float("nan")
        self._losses = []
        self._write(
            [*read_log(self._path.parent), Entry(step, loss, learning_rate, mean_miss_rate)]
        )
        with self._writer.as_default(step=step):
            tf.summary.scalar("mean_miss_rate", mean_miss_rate)
        self._writer.flush()
        log.info(
            "step %d: loss %.4f, rate %.2g, mean miss rate %.3f (best %.3f)",
            step,
            loss,
            learning_rate,
            mean_miss_rate,
            best,
        )

    def close(self) -> None:
        self._writer.close()

    def _write(self, entries: list[Entry]) -> None:
        with (
            replacing(self._path) as part,
            part.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, [field.name for field in fields(Entry)])
            writer.writeheader()
            for entry in entries:
                rounded = {name: f"{value:.5g}" for name, value in asdict(entry).items()}
                writer.writerow(rounded | {"step": entry.step})


def read_log(folder: Path) -> list[Entry]:
    """Return the evaluations of a run so far."""
    path = folder / LOG
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Entry(
                int(row["step"]),
                float(row["loss"]),
                float(row["learning_rate"]),
                float(row["mean_miss_rate"]),
            )
            for row in csv.DictReader(file)
        ]
