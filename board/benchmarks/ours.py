"""Our artefacts: modes x steps per call x interpreters, and how their cost grows."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from board.benchmarks.benchmark import Benchmark, run_bench, run_workload, single

RUNTIMES = ("tflite-runtime", "ai-edge-litert")
NUM_MODELS = (1, 2, 4, 8)
CHUNKS_MS = (10, 20, 40, 80, 160, 320, 1000)
STREAM_SECONDS = (30, 120, 480)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variant:
    """An artefact that was made for the benchmark."""

    name: str
    mode: str
    steps: int
    path: Path

    @property
    def is_settled(self) -> bool:
        """Whether it was converted, or failed its parity gate."""
        return self.path.exists() or self.path.with_suffix(".failed").exists()

    @property
    def detail(self) -> str:
        return f"{self.mode}, N = {self.steps}"


def convert_variants(
    model: Path, name: str, modes: Sequence[str], steps: Sequence[int], folder: Path
) -> list[Variant]:
    """Convert a trained model; what is there already stays, what fails its gate is left out."""
    wanted = [
        Variant(name, mode, count, folder / f"{name}-{mode}-{count}.tflite")
        for mode in modes
        for count in steps
    ]
    if not all(variant.is_settled for variant in wanted):
        log.info("converting %s", name)
        counts = ",".join(map(str, steps))
        answer = run_workload("variants.py", model, name, folder, ",".join(modes), counts)
        for detail, reason in answer["left_out"].items():
            log.warning("%s, %s: left out: %s", name, detail, reason)
    return [variant for variant in wanted if variant.path.exists()]


def variant_benchmarks(variants: Sequence[Variant], audio: Path) -> Iterator[Benchmark]:
    """Yield the variants of one model on each interpreter."""
    details = tuple(variant.detail for variant in variants)
    for runtime in RUNTIMES if variants else ():
        paths = [variant.path for variant in variants]
        yield Benchmark(
            "ours",
            f"{variants[0].name} on {runtime}",
            details,
            partial(run_workload, "pipelines.py", runtime, audio, *paths),
        )


def growth_benchmarks(variant: Variant, audio: Path, seconds: float) -> Iterator[Benchmark]:
    """Yield what happens with more models, other chunks and longer streams."""
    for runtime in RUNTIMES:
        name = f"{variant.name} on {runtime}"
        fixed = (variant.path, "--runtime", runtime, "--audio", audio)
        for count in NUM_MODELS:
            arguments = (variant.path, runtime, count, audio)
            yield single(
                "models", name, f"{count} models", partial(run_workload, "ensemble.py", *arguments)
            )
        for chunk_ms in CHUNKS_MS:
            extra = ("--seconds", seconds, "--chunk-ms", chunk_ms)
            yield single("chunk", name, f"{chunk_ms} ms", partial(run_bench, *fixed, *extra))
        for length in STREAM_SECONDS:
            yield single(
                "stream", name, f"{length} s", partial(run_bench, *fixed, "--seconds", length)
            )
