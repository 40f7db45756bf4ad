"""python -m board.benchmarks: what the detector costs, beside others, in one run."""

import argparse
import logging
import math
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from board.benchmarks.benchmark import ROOT, Benchmark, BenchmarkError, BenchmarkRow
from board.benchmarks.emulated import Count, count_instructions
from board.benchmarks.floor import floor_benchmarks, step_seconds
from board.benchmarks.naive import naive_benchmarks
from board.benchmarks.ours import Variant, convert_variants, growth_benchmarks, variant_benchmarks
from board.benchmarks.peers import peer_benchmarks
from board.benchmarks.picture import draw_costs
from board.benchmarks.results import Results, read_results, this_machine, write_results
from board.benchmarks.table import write_table
from firmware_py.artefact import DEFAULT_MODEL, read_artefact

RECORDING = ROOT / "firmware_py" / "data" / "activate.flac"
GROUPS = ("ours", "naive", "floor", "peer", "models", "chunk", "stream", "emulated")
COUNTED_MODES = ("float16", "dynamic-int8")
"""Modes whose instructions are counted, with the most steps a call that fit."""
SHIPPED_MODE = "float16"
"""Of the artefact whose growth with models, chunks and length is measured."""
MODES = ("float32", "float16", "weight-int8", "dynamic-int8", "int8", "int16x8")

CALL_SECONDS = 0.16
"""The longest call, in audio: a detector that answers later is no alternative."""

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line says; write table, picture and numbers."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.models:
        options.work.mkdir(parents=True, exist_ok=True)
        counts = _counts(options)
        for number, rows in enumerate(_rounds(options), start=1):
            results = Results(this_machine(), number, options.seconds, rows, counts)
            write_results(results, options.out)
    results = read_results(options.out)
    write_table(results, options.out)
    draw_costs(results, options.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m board.benchmarks", description=__doc__)
    add = parser.add_argument
    add(
        "models",
        nargs="*",
        type=Path,
        metavar="MODEL.keras",
        help="trained networks with their config.toml beside them; the naive way is measured on the"
        " last; without any, table and picture are redrawn",
    )
    add("--seconds", type=float, default=120.0, help="of audio (default: 120)")
    add(
        "--rounds",
        type=int,
        default=3,
        help="everything in turn, so often; the lowest counts (default: 3)",
    )
    add("--modes", nargs="+", default=MODES, choices=MODES)
    add(
        "--steps",
        nargs="+",
        type=int,
        default=(1, 2, 4, 8, 11, 22),
        metavar="N",
        help="a call, those of at most 160 ms of audio (default: 1 2 4 8 11 22)",
    )
    add("--only", nargs="+", choices=GROUPS, metavar="GROUP", help=", ".join(GROUPS))
    add(
        "--work",
        type=Path,
        default=ROOT / "out" / "benchmarks",
        metavar="DIR",
        help="for artefacts and environments, which stay",
    )
    add("--out", type=Path, default=Path(__file__).parent, metavar="DIR")
    return parser


def _rounds(options: argparse.Namespace) -> Iterator[list[BenchmarkRow]]:
    """Run all benchmarks in turn, round after round; after each yield the lowest of each so far."""
    benchmarks = [
        benchmark
        for benchmark in _benchmarks(options)
        if not options.only or benchmark.group in options.only
    ]
    best: dict[tuple[str, str, str], BenchmarkRow] = {}
    for number in range(1, options.rounds + 1):
        for benchmark in benchmarks:
            try:
                rows = benchmark.run()
            except BenchmarkError as error:
                log.warning("%s, %s: %s", benchmark.name, ", ".join(benchmark.details), error)
                continue
            for row in rows:
                key = (row.group, row.name, row.detail)
                best[key] = row.lowest(best.get(key, row))
                log.info(
                    "round %d of %d: %-8s %-36s %-28s %.5f", number, options.rounds, *key, row.cpu
                )
        yield list(best.values())


def _benchmarks(options: argparse.Namespace) -> list[Benchmark]:
    audio = _audio(options.seconds, options.work / f"audio-{options.seconds:g}.wav")
    benchmarks: list[Benchmark] = []
    for model in options.models:
        config = model.with_name("config.toml")
        name = _name(config)
        steps = [count for count in options.steps if count <= _most_steps(config)]
        variants = convert_variants(model, name, options.modes, steps, options.work)
        benchmarks += variant_benchmarks(variants, audio)
        benchmarks += floor_benchmarks(config, name, steps, options.work)
        if model == options.models[0] and variants:
            as_shipped = [each for each in variants if each.mode == SHIPPED_MODE] or variants
            benchmarks += growth_benchmarks(as_shipped[-1], audio, options.seconds)
        if model == options.models[-1]:
            benchmarks += naive_benchmarks(model, name, audio, options.work)
    return benchmarks + list(peer_benchmarks(audio, options.work))


def _counts(options: argparse.Namespace) -> list[Count]:
    """Count instructions on emulated processors, or return nothing where that is impossible."""
    if options.only and "emulated" not in options.only:
        return []
    # As it ships: with a second stage, and as many steps a call as latency allows.
    shipped = read_artefact(DEFAULT_MODEL).metadata
    steps_per_call = shipped.network.steps_per_call
    variants = [Variant(shipped.name, shipped.mode, steps_per_call, DEFAULT_MODEL)]
    for model in options.models:
        config = model.with_name("config.toml")
        steps = (_most_steps(config),)
        variants += convert_variants(model, _name(config), COUNTED_MODES, steps, options.work)
    try:
        return count_instructions(variants, options.work)
    except BenchmarkError as error:
        log.warning("no instruction counts: %s", error)
        return []


def _most_steps(config: Path) -> int:
    """Return how many steps fit into the longest call, one at least."""
    return max(1, int(CALL_SECONDS / step_seconds(config) + 1e-9))


def _name(config: Path) -> str:
    return str(tomllib.loads(config.read_text(encoding="utf-8"))["name"])


def _audio(seconds: float, path: Path) -> Path:
    """Write the bundled recording, repeated, as a 16 kHz WAV; return its path."""
    samples, rate_hz = soundfile.read(RECORDING, dtype="int16")
    repeated = np.tile(samples, math.ceil(seconds * rate_hz / len(samples)))
    soundfile.write(path, repeated[: round(seconds * rate_hz)], rate_hz, "PCM_16")
    return path


if __name__ == "__main__":
    sys.exit(main())
