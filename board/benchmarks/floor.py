"""The arithmetic floor: what a network's multiplications alone cost."""

import json
import tomllib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from board.benchmarks.benchmark import Benchmark, run_workload, single
from board.benchmarks.ours import RUNTIMES

PEAK = "multiplications at the core's best rate"
MODES = ("float32", "dynamic-int8")
"""Modes whose kernels are measured alone: float16 and weight-int8 compute as float32 does."""


def layer_shapes(config: Path) -> dict[str, list[tuple[int, int]]]:
    """Return the matrices (inputs, outputs) of one step.

    `batched`: applied to all steps of a call at once; `sequential`: to one after the other.
    """
    content = tomllib.loads(config.read_text(encoding="utf-8"))
    front_end, network = content["front_end"], content["network"]
    points = front_end.get("fft_length") or front_end["window_length"]
    bins = front_end.get("num_mel_bins") or points // 2 + 1
    width = network["filters"]
    batched, sequential = [(network["kernel_size"] * bins, width)], []
    for units in network["gru_units"]:
        batched.append((width, 3 * units))
        sequential.append((units, 3 * units))
        width = units
    batched.append((width, len(content["labels"])))
    return {"batched": batched, "sequential": sequential}


def step_seconds(config: Path) -> float:
    """Return the audio time of one step."""
    content = tomllib.loads(config.read_text(encoding="utf-8"))
    front_end = content["front_end"]
    hop_seconds = float(front_end["hop_length"] / front_end["sample_rate_hz"])
    return float(content["network"]["stride"]) * hop_seconds


def multiplications_per_second(config: Path) -> float:
    """Return the multiply-accumulate operations for each second of audio."""
    shapes = layer_shapes(config)
    per_step = sum(rows * columns for part in shapes.values() for rows, columns in part)
    return per_step / step_seconds(config)


def floor_benchmarks(
    config: Path, name: str, steps: Sequence[int], folder: Path
) -> Iterator[Benchmark]:
    """Yield the floor at the core's best rate, and the products alone in each interpreter."""
    yield single("floor", name, PEAK, partial(_at_best_rate, config))
    run_workload(
        "products.py",
        json.dumps(layer_shapes(config)),
        name,
        folder,
        ",".join(MODES),
        ",".join(map(str, steps)),
    )
    products = {
        f"{mode}, N = {count}": (folder / f"{name}-products-{mode}-{count}.tflite", count)
        for mode in MODES
        for count in steps
    }
    files = list(products.values())
    for runtime in RUNTIMES:
        yield Benchmark(
            "floor",
            f"{name} on {runtime}",
            tuple(products),
            partial(_products, files, runtime, step_seconds(config)),
        )


def _at_best_rate(config: Path) -> dict[str, float]:
    best = float(run_workload("matrices.py")["mac_per_second"])
    return {"cpu": multiplications_per_second(config) / best}


def _products(
    products: Sequence[tuple[Path, int]], runtime: str, step_seconds: float
) -> list[dict[str, float]]:
    paths, counts = zip(*products, strict=True)
    seconds = run_workload("invoke.py", runtime, *paths)
    return [
        {"cpu": each / (count * step_seconds)} for each, count in zip(seconds, counts, strict=True)
    ]
