"""naive_tflite.py WHOLE.tflite CONFIG.toml AUDIO RUNTIME."""

import importlib
import json
import sys
import time

import numpy as np
from numpy.typing import NDArray
from windows import cost, read_front_end


def main() -> None:
    path, config, audio, runtime = sys.argv[1:]
    module = importlib.import_module(f"{runtime.replace('-', '_')}.interpreter")
    interpreter = module.Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    index = interpreter.get_input_details()[0]["index"]
    output = interpreter.get_output_details()[0]["index"]

    def run(frames: NDArray[np.float32]) -> object:
        interpreter.set_tensor(index, frames)
        interpreter.invoke()
        return interpreter.get_tensor(output)

    print(json.dumps({"cpu": cost(read_front_end(config), audio, run, time.process_time)}))


if __name__ == "__main__":
    main()
