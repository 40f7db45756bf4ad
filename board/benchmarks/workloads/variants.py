"""variants.py MODEL.keras NAME FOLDER MODES STEPS: convert a network in modes x steps a call.

Files that are there already stay; what fails its parity gate leaves a note instead. One process
for all, because TensorFlow takes seconds to import. MODES and STEPS: with commas.
"""

import json
import sys
from pathlib import Path
from typing import cast

from convert.conversion import convert
from convert.errors import ParityError
from firmware_py.artefact import Mode


def main() -> None:
    model, name, folder, modes, steps = sys.argv[1:]
    left_out = {}
    for mode in modes.split(","):
        for count in map(int, steps.split(",")):
            out = Path(folder, f"{name}-{mode}-{count}.tflite")
            failed = out.with_suffix(".failed")
            if out.exists() or failed.exists():
                continue
            try:
                convert(Path(model), out, mode=cast("Mode", mode), num_steps=count)
            except ParityError as error:
                left_out[f"{mode}, N = {count}"] = str(error)
                failed.write_text(str(error))
    print(json.dumps({"left_out": left_out}))


if __name__ == "__main__":
    main()
