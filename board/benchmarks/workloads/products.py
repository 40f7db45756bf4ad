"""products.py SHAPES NAME FOLDER MODES STEPS: a network's matrix products and nothing else.

Each file holds what the best kernels of a mode need for the products of one call: the floor of
the network in that mode. SHAPES: JSON, {"batched": [[inputs, outputs], ...], "sequential": ...}.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

Shapes = dict[str, list[list[int]]]


def main() -> None:
    shapes, name, folder, modes, steps = sys.argv[1:]
    for mode in modes.split(","):
        for count in map(int, steps.split(",")):
            out = Path(folder, f"{name}-products-{mode}-{count}.tflite")
            if not out.exists():
                out.write_bytes(convert(json.loads(shapes), mode, count))
    print(json.dumps({}))


def convert(shapes: Shapes, mode: str, steps: int) -> bytes:
    rng = np.random.default_rng(0)
    matrices = {
        kind: [tf.constant(rng.standard_normal(shape), tf.float32) for shape in shapes[kind]]
        for kind in ("batched", "sequential")
    }

    @tf.function
    def products(*vectors: tf.Tensor) -> list[tf.Tensor]:
        waiting = iter(vectors)
        results = [tf.matmul(next(waiting), matrix) for matrix in matrices["batched"]]
        for matrix in matrices["sequential"]:
            results += [tf.matmul(next(waiting), matrix) for _ in range(steps)]
        return results

    specs = [tf.TensorSpec((steps, rows)) for rows, _ in shapes["batched"]]
    specs += [tf.TensorSpec((1, rows)) for rows, _ in shapes["sequential"] for _ in range(steps)]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [products.get_concrete_function(*specs)], products
    )
    if mode == "dynamic-int8":  # as in convert.modes
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return bytes(converter.convert())


if __name__ == "__main__":
    main()
