"""peer_pymicro_wakeword.py AUDIO.wav WORD...: the way of the package's own command line."""

import json
import sys
import time
import wave

from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

CHUNK_BYTES = 2 * 1280


def main() -> None:
    with wave.open(sys.argv[1]) as file:
        seconds = file.getnframes() / file.getframerate()
        data = file.readframes(file.getnframes())
    words = [MicroWakeWord.from_builtin(Model(name)) for name in sys.argv[2:]]
    features = MicroWakeWordFeatures()
    chunks = [data[i : i + CHUNK_BYTES] for i in range(0, len(data), CHUNK_BYTES)]

    def process(chunk: bytes) -> None:
        for frame in features.process_streaming(chunk):
            for word in words:
                word.process_streaming(frame)

    for chunk in chunks[:25]:
        process(chunk)
    began = time.process_time()
    for chunk in chunks:
        process(chunk)
    print(json.dumps({"cpu": (time.process_time() - began) / seconds}))


if __name__ == "__main__":
    main()
