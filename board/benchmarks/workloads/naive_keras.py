"""naive_keras.py MODEL.keras CONFIG.toml AUDIO [--convert OUT.tflite]."""

import json
import sys
import time
from pathlib import Path

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from windows import cost, num_frames, read_front_end


def main() -> None:
    model_path, config, audio, *rest = sys.argv[1:]
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    front_end = read_front_end(config)
    model = tf.keras.models.load_model(model_path, compile=False)
    if rest:
        shape = (1, num_frames(front_end), front_end.num_bins)
        function = tf.function(lambda frames: model(frames, training=False))
        concrete = function.get_concrete_function(tf.TensorSpec(shape, tf.float32))
        frozen = convert_variables_to_constants_v2(concrete)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
        Path(rest[1]).write_bytes(converter.convert())
        print(json.dumps({}))
        return
    seconds = cost(front_end, audio, lambda x: model.predict(x, verbose=0), time.process_time)
    print(json.dumps({"cpu": seconds}))


if __name__ == "__main__":
    main()
