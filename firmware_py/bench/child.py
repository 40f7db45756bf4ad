"""Inside a process of its own: one artefact on one interpreter, measured.

Only what a live stream needs is imported here, so that memory and start-up are those of the
device. The answers are JSON lines on standard output: the measurement, then samples of the soak.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import read_artefact
from firmware_py.bench.trial import (
    CallTimes,
    Cost,
    Measurement,
    OutputCall,
    SecondStageCost,
    SoakSample,
    Trial,
)
from firmware_py.detector import Detector
from firmware_py.schema import from_mapping, to_mapping

BYTES_PER_KIB = 1024
WARM_UP_CHUNKS = 25
TIMED_LOOKS = 50
SOAK_REPORT_SECONDS = 10.0

Chunks = list[NDArray[np.int16]]


def _open(trial: Trial) -> Detector:
    """Return the detector; the samples are at the model's rate and level already."""
    return Detector(
        read_artefact(trial.model),
        gain_db=0.0,
        runtime=trial.runtime,
        num_threads=trial.num_threads,
    )


def main(text: str, fresh_rss_bytes: int) -> int:
    """Run the trial that the JSON `text` describes, and print what it gives."""
    trial = from_mapping(Trial, json.loads(text), "trial")
    began = time.process_time()
    detector = _open(trial)
    ready = time.process_time()
    _answer(_measure(trial, detector, ready - began, ready, fresh_rss_bytes))
    if trial.soak_seconds:
        for sample in _soak(trial, detector):
            _answer(sample)
    return 0


def _answer(value: Measurement | SoakSample) -> None:
    sys.stdout.write(json.dumps(to_mapping(value)) + "\n")
    sys.stdout.flush()


def _measure(
    trial: Trial, detector: Detector, load_seconds: float, start_seconds: float, fresh_rss: int
) -> Measurement:
    rate_hz = detector.sample_rate_hz
    chunk_seconds = trial.chunk_length / rate_hz
    chunks = _read_chunks(trial)
    audio_seconds = len(chunks) * chunk_seconds
    _warm_up(detector, chunks)
    before = _calls(detector)
    began = time.process_time()
    walls, output_calls = _time_calls(detector, chunks, chunk_seconds)
    total = time.process_time() - began
    candidates, looks = (now - then for now, then in zip(_calls(detector), before, strict=True))
    rss_bytes, process_threads = _status("VmHWM") * BYTES_PER_KIB, _status("Threads")
    parts = [seconds / audio_seconds for seconds in _time_parts(detector, chunks)]
    p50, p95, p99 = (float(value) for value in np.percentile(walls, (50, 95, 99)))
    return Measurement(
        audio_seconds=audio_seconds,
        cost=Cost(total / audio_seconds, *parts),
        real_time_factor=float(walls.sum()) / audio_seconds,
        call_ms=CallTimes(
            1e3 * p50, 1e3 * p95, 1e3 * p99, 1e3 * float(walls.max()), 1e3 * chunk_seconds
        ),
        load_cpu_seconds=load_seconds,
        start_cpu_seconds=start_seconds,
        rss_bytes=rss_bytes,
        fresh_rss_bytes=fresh_rss,
        process_threads=process_threads,
        output_calls=tuple(output_calls),
        second_stage=_second_stage(detector, candidates, looks),
    )


def _read_chunks(trial: Trial) -> Chunks:
    """Return the whole chunks of the recording, again and again until there are enough.

    The samples are held once, so that they hardly count as memory.
    """
    samples = np.fromfile(trial.pcm, "<i2").astype(np.int16)
    length = trial.chunk_length
    once = [samples[end - length : end] for end in range(length, len(samples) + 1, length)]
    return [once[index % len(once)] for index in range(max(len(once), trial.num_chunks))]


def _warm_up(detector: Detector, chunks: Chunks) -> None:
    for chunk in chunks[:WARM_UP_CHUNKS]:
        detector.process(chunk)
    detector.reset()


def _time_calls(
    detector: Detector, chunks: Chunks, chunk_seconds: float
) -> tuple[NDArray[np.float64], list[OutputCall]]:
    """Return the real time of each chunk in seconds, and the detections with their moments."""
    walls = np.empty(len(chunks))
    output_calls = []
    clock, process = time.perf_counter, detector.process
    for index, chunk in enumerate(chunks):
        began = clock()
        detections = process(chunk)
        walls[index] = clock() - began
        moment = (index + 1) * chunk_seconds + float(walls[index])
        output_calls += [OutputCall(detection.label, moment) for detection in detections]
    detector.reset()
    return walls, output_calls


def _calls(detector: Detector) -> tuple[int, int]:
    """Return how often the second stage was called and ran so far."""
    second = detector.frames.second
    if not second:
        return 0, 0
    return sum(counts.candidates for counts in second.counts.values()), second.looks


def _second_stage(detector: Detector, candidates: int, looks: int) -> SecondStageCost | None:
    """Return what a look takes; candidates, looks: in the recording, heard once."""
    second, metadata = detector.frames.second, detector.artefact.metadata
    if not second or not metadata.verifier:
        return None
    network = second.network
    frames = np.zeros((metadata.verifier.frames, metadata.front_end.num_bins), np.float32)
    walls = np.empty((TIMED_LOOKS, 2))
    for wall in walls:
        began = time.perf_counter()
        _, states = network.process(frames)
        first = time.perf_counter()
        network.process(frames[: network.frames_per_call], states)
        wall[:] = first - began, time.perf_counter() - first
    first_ms, next_ms = 1e3 * np.median(walls, axis=0)
    return SecondStageCost(float(first_ms), float(next_ms), candidates, looks)


def _time_parts(detector: Detector, chunks: Chunks) -> Iterator[float]:
    """Yield the CPU seconds of front end, network and decision, each in a pass of its own."""
    began = time.process_time()
    frames = [detector.source.process(chunk) for chunk in chunks]
    yield time.process_time() - began
    began = time.process_time()
    steps = [detector.frames.steps(frame) for frame in frames]
    yield time.process_time() - began
    began = time.process_time()
    for each in steps:
        detector.frames.decide(each.scores)
    yield time.process_time() - began
    detector.reset()


def _soak(trial: Trial, detector: Detector) -> Iterator[SoakSample]:
    """Process the recording again and again without a pause; yield how it goes."""
    chunks = _read_chunks(trial)
    chunk_seconds = trial.chunk_length / detector.sample_rate_hz
    began = window_began = time.perf_counter()
    count = 0
    while time.perf_counter() - began < trial.soak_seconds:
        detector.process(chunks[count % len(chunks)])
        count += 1
        elapsed = time.perf_counter() - window_began
        if elapsed >= min(SOAK_REPORT_SECONDS, trial.soak_seconds / 2):
            rss_bytes = _status("VmRSS") * BYTES_PER_KIB
            total_seconds = time.perf_counter() - began
            yield SoakSample(total_seconds, elapsed / (count * chunk_seconds), rss_bytes)
            window_began, count = time.perf_counter(), 0


def _status(name: str) -> int:
    """Return a number of /proc/self/status: KiB for memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise OSError(f"/proc/self/status has no {name}")
