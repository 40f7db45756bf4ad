"""peer_pocketsphinx.py AUDIO.wav PHRASE: a keyphrase search, 80 ms at a time."""

import json
import sys
import time
import wave

from pocketsphinx import Decoder

CHUNK_BYTES = 2 * 1280


def main() -> None:
    with wave.open(sys.argv[1]) as file:
        seconds = file.getnframes() / file.getframerate()
        data = file.readframes(file.getnframes())
    decoder = Decoder(keyphrase=sys.argv[2], kws_threshold=1e-20, loglevel="FATAL")
    chunks = [data[i : i + CHUNK_BYTES] for i in range(0, len(data), CHUNK_BYTES)]
    decoder.start_utt()
    for chunk in chunks[:25]:
        decoder.process_raw(chunk)
    began = time.process_time()
    for chunk in chunks:
        decoder.process_raw(chunk)
        if decoder.hyp():
            decoder.end_utt()
            decoder.start_utt()
    print(json.dumps({"cpu": (time.process_time() - began) / seconds}))


if __name__ == "__main__":
    main()
