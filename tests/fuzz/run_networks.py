"""Run every flatbuffer of a folder on one interpreter: `run_networks.py RUNTIME FOLDER`.

What an interpreter refuses is fine; a signal ends the process, and the last line names the file.
"""

import importlib
import sys
from pathlib import Path

import numpy as np

MODULES = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}


def run(flatbuffer: bytes, runtime: str) -> None:
    """Call the network on zeros and on noise; raises what the interpreter raises."""
    interpreter = importlib.import_module(MODULES[runtime]).Interpreter(
        model_content=flatbuffer, num_threads=1
    )
    interpreter.allocate_tensors()
    rng = np.random.default_rng(0)
    for loudness in (0.0, 5.0):
        for detail in interpreter.get_input_details():
            values = loudness * rng.standard_normal(detail["shape"])
            interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]))
        interpreter.invoke()
        for detail in interpreter.get_output_details():
            interpreter.get_tensor(detail["index"])


def main(runtime: str, folder: Path) -> None:
    ran = 0
    for path in sorted(folder.iterdir()):
        print(path, flush=True)
        try:
            run(path.read_bytes(), runtime)
            ran += 1
        except (ValueError, RuntimeError):
            continue
    print(f"ran {ran}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
