"""invoke.py MODEL.tflite RUNTIME: CPU seconds of one call."""

import importlib
import json
import sys
import time

import numpy as np

WARM_UP_CALLS, CALLS = 50, 1500


def main() -> None:
    path, runtime = sys.argv[1:]
    module = importlib.import_module(f"{runtime.replace('-', '_')}.interpreter")
    interpreter = module.Interpreter(model_path=path, num_threads=1)
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
    print(json.dumps({"seconds": (time.process_time() - began) / CALLS}))


if __name__ == "__main__":
    main()
