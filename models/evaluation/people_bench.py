"""Words learnt from text alone, judged on people: the figure by which recipes are compared.

One network hears several words. For each word, folders of people saying it tell what is missed in
several conditions, at thresholds that recordings without it set for each rate of false accepts.
Half of the recordings (by the SHA-1 of their names) may choose between recipes; the others, and
words that chose nothing, only confirm.
"""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from firmware_py.artefact import Artefact
from models.evaluation.assess import all_sweeps
from models.evaluation.collect import Setting, collect, trigger_policy
from models.evaluation.conditions import AS_RECORDED, Condition
from models.evaluation.metrics import Curve
from models.evaluation.rare_false_accepts import FEWEST, threshold_for
from models.evaluation.runs import ClipRun

RATES_PER_HOUR = (10.0, 2.0, 0.5, 0.1)
SNRS_DB = (20.0, 10.0, 5.0)
Half = Literal["choose", "confirm"]


@dataclass(frozen=True)
class Cell:
    """What is missed of one word by one half of its speakers, in one condition, at one rate."""

    word: str
    half: Half
    condition: str
    false_accepts_per_hour: float
    """What the threshold was chosen for."""
    threshold: float
    extrapolated: bool
    """The hours are too few to count such a rate: the threshold is extrapolated."""
    missed: int
    positives: int
    hours: float
    """Of recordings without the word."""


@dataclass(frozen=True)
class Judged:
    """A network on the bench."""

    cells: tuple[Cell, ...]
    curves: Mapping[tuple[str, Condition], Curve]
    """Of all recordings of a word."""

    def as_rows(self) -> list[dict[str, object]]:
        return [asdict(cell) for cell in self.cells]


def judge(
    artefact: Artefact,
    people: Mapping[str, Sequence[Path]],
    negatives: Sequence[Path],
    noise: Sequence[Path],
    *,
    confirming: Sequence[str] = (),
    executor: Executor | None = None,
) -> Judged:
    """Try a network on people.

    people: folders of recordings by label. negatives: folders in which no label is said; the
    recordings of the other labels are added. confirming: labels that choose nothing.
    """
    cells: list[Cell] = []
    curves: dict[tuple[str, Condition], Curve] = {}
    for word, folders in people.items():
        others = [folder for other in people if other != word for folder in people[other]]
        setting = Setting(noise=tuple(noise), snrs_db=SNRS_DB, after_silence=True, label=word)
        heard = collect(artefact, folders, [*negatives, *others], setting, executor)
        sweeps = all_sweeps(heard, trigger_policy(artefact))
        curves |= {(word, condition): sweep.curve() for condition, sweep in sweeps.items()}
        for half in ("choose", "confirm"):
            chosen = {
                condition: sweep.curve(_of_half(heard.clips[condition], half, word in confirming))
                for condition, sweep in sweeps.items()
            }
            if chosen[AS_RECORDED].positives:
                cells += _cells(word, half, chosen)
    return Judged(tuple(cells), curves)


def half_of(path: Path) -> Half:
    """Return the half that a recording belongs to, whatever folder it lies in."""
    digest = hashlib.sha1(path.stem.encode(), usedforsecurity=False).digest()
    return "choose" if digest[-1] % 2 == 0 else "confirm"


def _of_half(runs: Sequence[ClipRun], half: Half, always_confirms: bool) -> list[int]:
    """Return the places of the runs that belong to a half."""
    return [
        index
        for index, run in enumerate(runs)
        if half == ("confirm" if always_confirms else half_of(run.clip.path))
    ]


def _cells(word: str, half: Half, curves: Mapping[Condition, Curve]) -> list[Cell]:
    quiet = curves[AS_RECORDED]
    cells = []
    for rate in RATES_PER_HOUR:
        threshold = threshold_for(quiet, rate)
        for condition, curve in curves.items():
            point = curve.at(threshold)
            cells.append(
                Cell(
                    word,
                    half,
                    condition.name,
                    rate,
                    threshold,
                    rate * quiet.hours < FEWEST,
                    point.misses,
                    point.positives,
                    quiet.hours,
                )
            )
    return cells
