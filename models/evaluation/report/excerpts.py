"""The stretches of sound worth a look and a listen: false accepts, near ones, clips."""

import numpy as np
from numpy.typing import NDArray

from models.evaluation.conditions import AS_RECORDED
from models.evaluation.metrics import smoothed
from models.evaluation.presented import present
from models.evaluation.report.scene import Excerpt, NetworkResponse
from models.evaluation.results import ClipResult, Evaluation, Peak
from models.evaluation.runs import ClipRun, StreamRun, step_ends_seconds
from models.evaluation.selection import load_recording

BEFORE_SECONDS, AFTER_SECONDS = 2.5, 1.0
"""Sound that is kept around a false accept."""


def scene_of_peak(evaluation: Evaluation, peak: Peak) -> Excerpt:
    """Return the sound around a false accept or a near one, and what the network said to it."""
    run = evaluation.heard.streams[AS_RECORDED][peak.stream]
    start = max(0.0, peak.stream_seconds - BEFORE_SECONDS)
    end = min(run.seconds, peak.stream_seconds + AFTER_SECONDS)
    samples, rate_hz = cut_out(run, start, end)
    kind = "false accept" if peak.accepted else "near miss"
    title = f"{kind}, score {peak.score:.3f}: {peak.clip.title} at {peak.time_seconds:.2f} s"
    detections = tuple(
        other.stream_seconds
        for other in evaluation.peaks
        if other.accepted and other.stream == peak.stream and start <= other.stream_seconds <= end
    )
    said = _said(evaluation, run, detections, start, end)
    return Excerpt(title, samples, rate_hz, evaluation.heard.artefact.metadata.front_end, said)


def scene_of_clip(evaluation: Evaluation, result: ClipResult) -> Excerpt:
    """Return a clip of the word as the detector heard it, and what the network said to it."""
    heard = present(result.clip, seed=evaluation.heard.setting.selection.seed)
    run = result.run
    detections: tuple[float, ...] = ()
    fate = "missed"
    if result.latency_seconds is not None:
        detections = (run.word_end_seconds + result.latency_seconds,)
        side = "after" if result.latency_seconds >= 0 else "before"
        fate = f"found {1000 * abs(result.latency_seconds):.0f} ms {side} the word's end"
    title = f"{fate}, highest score {result.best_score:.3f}: {result.clip.title}"
    said = _said(evaluation, run, detections, 0.0, len(heard.samples) / heard.sample_rate_hz)
    word = (run.word_start_seconds, run.word_end_seconds)
    front_end = evaluation.heard.artefact.metadata.front_end
    return Excerpt(title, heard.samples, heard.sample_rate_hz, front_end, said, word)


def cut_out(run: StreamRun, start: float, end: float) -> tuple[NDArray[np.int16], int]:
    """Return a stream between two times, int16 [samples], over the seams of its recordings, and
    its rate."""
    pieces, rate_hz = [], 0
    for part in run.parts:
        if part.start_seconds < end and part.start_seconds + part.seconds > start:
            samples, rate_hz = load_recording(part.clip.path)
            first, last = (round((time - part.start_seconds) * rate_hz) for time in (start, end))
            pieces.append(samples[max(0, first) : last])
    return np.concatenate(pieces), rate_hz


def _said(
    evaluation: Evaluation,
    run: ClipRun | StreamRun,
    detections_seconds: tuple[float, ...],
    start: float,
    end: float,
) -> NetworkResponse:
    """Return what the networks said between two times, counted from the first."""
    ends = step_ends_seconds(evaluation.heard.artefact.metadata, len(run.scores))
    inside = (ends >= start) & (ends <= end)
    return NetworkResponse(
        (evaluation.heard.label,),
        ends[inside] - start,
        run.posteriors[inside, None],
        smoothed(run.scores, evaluation.policy.smoothing)[inside, None],
        evaluation.policy.threshold,
        tuple(time - start for time in detections_seconds),
    )
