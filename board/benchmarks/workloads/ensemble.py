"""Several copies of a model on one stream: ensemble.py MODEL RUNTIME COUNT AUDIO."""

import json
import sys
import time
from pathlib import Path
from typing import cast

import numpy as np

from firmware_py.artefact import read_artefact
from firmware_py.audio import read_blocks
from firmware_py.ensemble import Ensemble, Model
from firmware_py.interpreter import Runtime

CHUNK_SECONDS = 0.16


def main() -> None:
    path, runtime, count, audio = sys.argv[1:]
    artefact = read_artefact(path)
    rate_hz = artefact.metadata.front_end.sample_rate_hz
    models = [Model(artefact, artefact.metadata.trigger)] * int(count)
    ensemble = Ensemble(models, rate_hz, cast("Runtime", runtime))
    samples = np.concatenate(list(read_blocks(Path(audio))))
    length = round(CHUNK_SECONDS * rate_hz)
    chunks = [samples[i : i + length] for i in range(0, len(samples), length)]
    for chunk in chunks[:25]:
        ensemble.process(chunk)
    began = time.process_time()
    for chunk in chunks:
        ensemble.process(chunk)
    print(json.dumps({"cpu": (time.process_time() - began) * rate_hz / len(samples)}))


if __name__ == "__main__":
    main()
