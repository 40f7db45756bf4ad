"""`python -m models average`: one network of the mean weights of several.

Networks of one run, or of runs that began with the same weights, lie in one valley: their mean
often hears strangers better than each (Wortsman et al., "Model soups", ICML 2022).
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from firmware_py.errors import SettingsError
from models.settled import CONFIG


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "average",
        help="the mean of several networks",
        description="Write a network with the mean weights of others of one run, or of runs that"
        " began with the same weights. Of strangers the mean is worth nothing: evaluate it.",
        epilog="example: python -m models average early/model.keras late/model.keras --out mean",
    )
    parser.add_argument("networks", type=Path, nargs="+", metavar="MODEL.keras")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR",
                        help="gets model.keras, and the config.toml beside the first")  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Average; print the path of the network."""
    if len(arguments.networks) < 2:
        raise SettingsError("one network has no mean; name at least two")
    sys.stdout.write(f"{average(arguments.networks, arguments.out)}\n")
    return 0


def average(networks: list[Path], out: Path) -> Path:
    """Write the mean of `networks` into `out`, return its path; SettingsError if they differ."""
    import keras
    import numpy as np

    from models.checkpoint import save_model
    from models.compilation import load_network

    loaded = [load_network(path) for path in networks]
    weights = [model.get_weights() for model in loaded]
    shapes = [[array.shape for array in arrays] for arrays in weights]
    for path, other in zip(networks, shapes, strict=True):
        if other != shapes[0]:
            raise SettingsError(f"{path}: another shape than {networks[0]}; average networks alike")
    model: keras.Model = loaded[0]
    model.set_weights([np.mean(arrays, axis=0) for arrays in zip(*weights, strict=True)])
    out.mkdir(parents=True, exist_ok=True)
    save_model(model, out / "model.keras")
    config = networks[0].parent / CONFIG
    if config.exists():
        shutil.copy(config, out / CONFIG)
    return out / "model.keras"
