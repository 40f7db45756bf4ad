"""Measuring an artefact in a fresh process."""

import json
import logging
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact
from firmware_py.audio import Resampler, mean_square, open_recording, read_blocks
from firmware_py.bench.machine import Machine
from firmware_py.bench.report import BYTES_PER_MB, Report
from firmware_py.bench.soak import Soak, summarise
from firmware_py.bench.trial import Measurement, SoakSample, Trial
from firmware_py.bench.word_latency import read_words, word_latency
from firmware_py.board_state import read_board_state
from firmware_py.errors import ArtefactError, AudioError, MissingToolError
from firmware_py.front_end import FrontEnd
from firmware_py.interpreter import Runtime, installed_runtimes
from firmware_py.level import apply_gain, clip_gain_db
from firmware_py.reading.lines import last_line
from firmware_py.schema import from_mapping, to_mapping

CHILD = """
import sys
with open("/proc/self/statm") as file:
    fresh_pages = int(file.read().split()[1])
sys.path.insert(0, sys.argv[1])
from firmware_py.bench.child import main
sys.exit(main(sys.argv[2], fresh_pages * int(sys.argv[3])))
"""
"""Reads the memory before anything is imported."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workload:
    """What each trial hears, and for how long."""

    audio: Path
    seconds: float
    """The recording is repeated until it is at least this long."""
    num_threads: int = 1
    chunk_seconds: float | None = None
    """None: what one call of the network covers."""
    soak_minutes: float = 0.0


def measure(artefact: Artefact, runtime: Runtime, workload: Workload, machine: Machine) -> Report:
    """Return what the artefact costs on the interpreter; raises ArtefactError if it fails there."""
    metadata = artefact.metadata
    log.info("%s, %s on %s", metadata.name, metadata.mode, runtime)
    before = read_board_state()
    chunk_length = _chunk_length(artefact, workload.chunk_seconds)
    chunk_seconds = chunk_length / metadata.front_end.sample_rate_hz
    with _pcm_file(metadata.front_end, workload.audio, chunk_length) as pcm:
        measurement, soak = _run(
            Trial(
                model=str(artefact.path.resolve()),
                runtime=runtime,
                num_threads=workload.num_threads,
                pcm=str(pcm),
                chunk_length=chunk_length,
                num_chunks=math.ceil(workload.seconds / chunk_seconds),
                soak_seconds=60.0 * workload.soak_minutes,
            )
        )
    words = read_words(workload.audio)
    fresh_mb = measurement.fresh_rss_bytes / BYTES_PER_MB
    return Report(
        model=str(artefact.path),
        name=metadata.name,
        mode=metadata.mode,
        sha256=metadata.sha256,
        runtime=runtime,
        num_threads=workload.num_threads,
        audio_seconds=measurement.audio_seconds,
        cost=measurement.cost,
        real_time_factor=measurement.real_time_factor,
        call_ms=measurement.call_ms,
        load_cpu_seconds=measurement.load_cpu_seconds,
        start_cpu_seconds=measurement.start_cpu_seconds,
        rss_mb=measurement.rss_bytes / BYTES_PER_MB,
        rss_over_interpreter_mb=measurement.rss_bytes / BYTES_PER_MB - fresh_mb,
        process_threads=measurement.process_threads,
        machine=machine,
        before=before,
        after=read_board_state(),
        word_latency_ms=word_latency(words, measurement.output_calls) if words else None,
        second_stage=measurement.second_stage,
        soak=soak,
    )


def runtimes_named(name: str | None) -> list[Runtime]:
    """Return the installed interpreter `name`, or all of them; raises MissingToolError."""
    installed = installed_runtimes()
    chosen = [runtime for runtime in installed if name in (None, runtime)]
    if not chosen:
        known = ", ".join(get_args(Runtime))
        raise MissingToolError(
            f"no interpreter {name or 'at all'} is installed; pip install one of {known}"
        )
    return chosen


def _chunk_length(artefact: Artefact, chunk_seconds: float | None) -> int:
    front_end = artefact.metadata.front_end
    if chunk_seconds is None:
        return artefact.metadata.network.frames_per_call * front_end.hop_length
    return max(1, round(chunk_seconds * front_end.sample_rate_hz))


@contextmanager
def _pcm_file(front_end: FrontEnd, audio: Path, least: int) -> Iterator[Path]:
    """Give a file with the samples that the model hears, int16 at its rate and level.

    least: samples, else AudioError.
    """
    samples = _samples(front_end, audio)
    if len(samples) < least:
        raise AudioError(f"{audio}: shorter than one chunk; record more or give --chunk-ms")
    with tempfile.TemporaryDirectory(prefix="trigger-word-bench-") as folder:
        path = Path(folder) / "samples.pcm"
        path.write_bytes(samples.astype("<i2").tobytes())
        yield path


def _samples(front_end: FrontEnd, audio: Path) -> NDArray[np.int16]:
    recording = open_recording(audio)
    samples = np.concatenate(list(read_blocks(audio)))
    if recording.sample_rate_hz != front_end.sample_rate_hz:
        resampler = Resampler(recording.sample_rate_hz, front_end.sample_rate_hz)
        samples = resampler.process(samples, last=True)
    if front_end.clip_level:
        samples = apply_gain(samples, clip_gain_db(front_end.clip_level, mean_square(audio)))
    return samples


def _run(trial: Trial) -> tuple[Measurement, Soak | None]:
    """Run the trial in a process of its own, with nothing else going on in this one."""
    root = str(Path(__file__).resolve().parent.parent.parent)
    command = [
        sys.executable,
        "-P",
        "-c",
        CHILD,
        root,
        json.dumps(to_mapping(trial)),
        str(os.sysconf("SC_PAGESIZE")),
    ]
    samples, states = [], []
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as child:
            assert child.stdout is not None
            first = child.stdout.readline()
            for line in child.stdout:
                samples.append(from_mapping(SoakSample, json.loads(line), "soak"))
                states.append(read_board_state())
                log.info(
                    "%.0f s: real-time factor %.4f",
                    samples[-1].elapsed_seconds,
                    samples[-1].real_time_factor,
                )
        if child.returncode:
            errors.seek(0)
            reason = last_line(errors.read(), f"exit code {child.returncode}")
            raise ArtefactError(f"{trial.model} does not run on {trial.runtime}: {reason}")
    measurement = from_mapping(Measurement, json.loads(first), "measurement")
    return measurement, summarise(samples, states) if samples else None
