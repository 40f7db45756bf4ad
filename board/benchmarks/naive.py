"""The obvious way: the last ten seconds through the whole network again every half second."""

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from board.benchmarks.benchmark import Benchmark, BenchmarkError, run_workload, single
from board.benchmarks.ours import RUNTIMES

log = logging.getLogger(__name__)


def naive_benchmarks(model: Path, name: str, audio: Path, folder: Path) -> Iterator[Benchmark]:
    """Yield Keras and, where the whole network converts, TFLite on each interpreter."""
    keras = ("naive_keras.py", model, model.with_name("config.toml"), audio)
    yield single("naive", f"{name} with Keras", "predict", partial(run_workload, *keras))
    whole = folder / f"{name}-whole.tflite"
    if not whole.exists():
        try:
            run_workload(*keras, "--convert", whole)
        except BenchmarkError as error:
            log.warning("the whole network of %s does not convert: %s", name, error)
            return
    for runtime in RUNTIMES:
        arguments = ("naive_tflite.py", whole, model.with_name("config.toml"), audio, runtime)
        yield single(
            "naive", f"{name} on {runtime}", "whole network", partial(run_workload, *arguments)
        )
