"""Inside an emulated board, started by its kernel: what a call costs in instructions.

The emulator's clock counts instructions: one nanosecond is one instruction. /bench/trials.json is
a list of [model, interpreter]; each gives one line of JSON behind MARK on the console.
"""

import ctypes
import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware_py.detector import Detector
    from firmware_py.interpreter import Runtime

MARK = "RESULT "
MOUNTS = (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"))
POWER_OFF = 0x4321FEDC
"""LINUX_REBOOT_CMD_POWER_OFF, see reboot(2)."""
WARM_UP_CALLS = 6
CALLS = 15

LIBC = ctypes.CDLL(None)


def main() -> None:
    """Measure everything and switch the board off."""
    for kind, place in MOUNTS:
        Path(place).mkdir(exist_ok=True)
        LIBC.mount(kind.encode(), place.encode(), kind.encode(), 0, None)
    sys.path[:0] = ["/bench/packages", "/bench/ours"]
    try:
        trials = json.loads(Path("/bench/files/trials.json").read_text())
        for model, runtime in trials:
            _in_child(model, runtime)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        LIBC.reboot(POWER_OFF)


def _in_child(model: str, runtime: "Runtime") -> None:
    """Measure in a process of its own: if it crashes, the others still run."""
    child = os.fork()
    if not child:
        try:
            print(MARK + json.dumps(measure(model, runtime)), flush=True)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        print(MARK + json.dumps({"model": model, "runtime": runtime, "status": status}), flush=True)


def measure(model: str, runtime: "Runtime") -> dict[str, object]:
    """Return instructions for each second of audio."""
    import numpy as np

    from firmware_py.artefact import read_artefact
    from firmware_py.detector import Detector

    detector = Detector(read_artefact(f"/bench/files/{model}"), gain_db=0.0, runtime=runtime)
    metadata = detector.artefact.metadata
    length = metadata.network.frames_per_call * metadata.front_end.hop_length
    chunk = (3000 * np.random.default_rng(0).standard_normal(length)).astype(np.int16)
    total = median_instructions(lambda: detector.process(chunk))
    frames = detector.source.process(chunk)
    steps = detector.frames.steps(frames)
    calls_per_second = metadata.front_end.sample_rate_hz / length
    parts = {
        "total": total,
        "front_end": median_instructions(lambda: detector.source.process(chunk)),
        "network": median_instructions(lambda: detector.frames.steps(frames)),
        "decision": median_instructions(lambda: detector.decide(steps)),
    }
    rates = {name: round(count * calls_per_second) for name, count in parts.items()}
    return {"model": model, "runtime": runtime, **rates, **looks(detector)}


def looks(detector: "Detector") -> dict[str, int]:
    """Return the instructions of the second stage's looks; nothing without one."""
    import numpy as np

    second, metadata = detector.frames.second, detector.artefact.metadata
    if not second or not metadata.verifier:
        return {}
    network, bins = second.network, metadata.front_end.num_bins
    frames = np.zeros((metadata.verifier.frames, bins), np.float32)
    _, states = network.process(frames)
    latest = frames[: network.frames_per_call]
    return {
        "first_look": round(median_instructions(lambda: network.process(frames))),
        "next_look": round(median_instructions(lambda: network.process(latest, states))),
    }


def median_instructions(call: Callable[[], object]) -> float:
    for _ in range(WARM_UP_CALLS):
        call()
    counts = []
    for _ in range(CALLS):
        began = time.perf_counter_ns()
        call()
        counts.append(time.perf_counter_ns() - began)
    return statistics.median(counts)


if __name__ == "__main__":
    main()
