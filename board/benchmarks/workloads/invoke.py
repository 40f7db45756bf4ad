"""invoke.py RUNTIME MODEL.tflite...: CPU seconds of one call of each, as a list."""

import importlib
import json
import sys
import time

import numpy as np

WARM_UP_CALLS, CALLS = 50, 1000


def main() -> None:
    runtime, *paths = sys.argv[1:]
    module = importlib.import_module(f"{runtime.replace('-', '_')}.interpreter")
    print(json.dumps([call_seconds(module.Interpreter(path, num_threads=1)) for path in paths]))


def call_seconds(interpreter) -> float:  # type: ignore[no-untyped-def]
    interpreter.allocate_tensors()
    rng = np.random.default_rng(0)
    for detail in interpreter.get_input_details():
        values = rng.standard_normal(detail["shape"]).astype(np.float32)
        interpreter.set_tensor(detail["index"], values)
    for _ in range(WARM_UP_CALLS):
        interpreter.invoke()
    began = time.process_time()
    for _ in range(CALLS):
        interpreter.invoke()
    return (time.process_time() - began) / CALLS


if __name__ == "__main__":
    main()
