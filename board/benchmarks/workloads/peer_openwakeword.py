"""peer_openwakeword.py AUDIO.wav WORD: 80 ms at a time, as its documentation advises."""

import json
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pyopen_wakeword
from openwakeword.model import Model

CHUNK_LENGTH = 1280


def main() -> None:
    with wave.open(sys.argv[1]) as file:
        seconds = file.getnframes() / file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    models = Path(pyopen_wakeword.__file__).parent / "models"
    model = Model(
        wakeword_models=[str(models / f"{sys.argv[2]}.tflite")],
        inference_framework="tflite",
        melspec_model_path=str(models / "melspectrogram.tflite"),
        embedding_model_path=str(models / "embedding_model.tflite"),
    )
    chunks = [samples[i : i + CHUNK_LENGTH] for i in range(0, len(samples), CHUNK_LENGTH)]
    for chunk in chunks[:25]:
        model.predict(chunk)
    began = time.process_time()
    for chunk in chunks:
        model.predict(chunk)
    print(json.dumps({"cpu": (time.process_time() - began) / seconds}))


if __name__ == "__main__":
    main()
