"""Hard negatives: the stretches of running speech in which a model nearly hears its word."""

import csv
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import soundfile
from scipy import signal

from firmware_py.artefact import Artefact, Metadata
from firmware_py.errors import SettingsError
from models.evaluation.collect import label_of, stream_batches, trigger_policy
from models.evaluation.metrics import smoothed
from models.evaluation.report.excerpts import cut_out
from models.evaluation.runs import Job, StreamRun, run_jobs, run_streams
from models.evaluation.selection import BadFiles, OnBad, Selection, find_clips
from models.recordings.folds import name_of_stretch
from models.recordings.manifest import MANIFEST

BEFORE_SECONDS, AFTER_SECONDS = 1.6, 0.4
"""What is cut out around the end of what sounded like the word."""
APART_SECONDS = 1.0
"""Of two peaks nearer than this only the higher counts."""


@dataclass(frozen=True)
class Found:
    """A stretch that sounds like the word to a model."""

    file: str
    """Of the stretch, below the folder of all."""
    recording: str
    time_seconds: float
    """Of the highest score, in the recording."""
    score: float


@dataclass(frozen=True)
class _Peak:
    run: StreamRun
    seconds: float
    """In the stream."""
    score: float


def mine(
    artefact: Artefact,
    negatives: Sequence[Path],
    out: Path,
    *,
    least_score: float,
    selection: Selection | None = None,
    limit: int | None = None,
    label: str | None = None,
    on_bad: OnBad = "skip",
    executor: Executor | None = None,
) -> list[Found]:
    """Write the stretches whose score is above `least_score` into `out`, highest first.

    negatives: folders of recordings without the word. Folds are kept: what is cut out of a
    recording lies in its fold. Raises SettingsError for a folder that holds stretches already.
    """
    if (out / MANIFEST).exists():
        raise SettingsError(f"{out}: holds stretches of an earlier round; choose another --out")
    selection = selection or Selection()
    smoothing = trigger_policy(artefact).smoothing
    bad = BadFiles(on_bad)
    clips = find_clips(negatives, selection, "negatives")
    index = artefact.metadata.labels.index(label_of(artefact, label))
    jobs = [
        Job(artefact, index, batch, seed=selection.seed)
        for batch in stream_batches(clips, selection.seed, bad)
    ]
    runs = run_jobs(run_streams, jobs, executor, bad, "listening")
    peaks = [
        peak for run in runs for peak in _peaks(run, artefact.metadata, smoothing, least_score)
    ]
    peaks.sort(key=lambda peak: -peak.score)
    found = [_write(peak, out) for peak in peaks[:limit]]
    _write_manifest(found, out)
    return found


def _peaks(
    run: StreamRun, metadata: Metadata, smoothing: int, least_score: float
) -> Iterator[_Peak]:
    scores = smoothed(run.scores, smoothing)
    distance = max(1, round(APART_SECONDS / metadata.step_seconds))
    # A peak has a lower value on each side, so the very first and last steps get one.
    steps, _ = signal.find_peaks([0.0, *scores, 0.0], height=least_score, distance=distance)
    for step in steps - 1:
        yield _Peak(run, metadata.step_end_seconds(int(step)), float(scores[step]))


def _write(peak: _Peak, out: Path) -> Found:
    run = peak.run
    start = max(0.0, peak.seconds - BEFORE_SECONDS)
    samples, rate_hz = cut_out(run, start, min(run.seconds, peak.seconds + AFTER_SECONDS))
    part = max(
        (part for part in run.parts if part.start_seconds < peak.seconds),
        key=lambda part: part.start_seconds,
    )
    time_seconds = peak.seconds - part.start_seconds
    recording = part.clip.path
    folders = dict.fromkeys((part.clip.source, recording.parent.name))
    name = Path(*folders) / name_of_stretch(recording, time_seconds)
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(out / name, samples, rate_hz, "PCM_16")
    return Found(name.as_posix(), str(recording), round(time_seconds, 3), round(peak.score, 5))


def _write_manifest(found: Sequence[Found], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / MANIFEST).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Found)])
        writer.writeheader()
        writer.writerows(asdict(stretch) for stretch in found)
