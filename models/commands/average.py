"""`python -m models average`: one network of the mean weights of several.

Networks of one run, or of runs that began with the same weights, lie in one valley: their mean
often hears strangers better than each (Wortsman et al., "Model soups", ICML 2022).
"""

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from firmware_py.errors import SettingsError
from models.recordings.digest import file_digest
from models.replacing import replacing
from models.settings.config import Config, read_config
from models.training.checkpoint import save_model
from models.training.compilation import load_network
from models.training.run_folder import BEST_MODEL, CONFIG, RECORD, refuse_other_runs

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "average",
        description="Write a network with the mean weights of others of one run, or of runs that"
        " began with the same weights. The mean of unrelated networks is worthless; evaluate the"
        " result.",
        epilog="example: python -m models average early/model.keras late/model.keras --out mean",
    )
    parser.add_argument("networks", type=Path, nargs="+", metavar="MODEL.keras")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="gets model.keras, and the config.toml beside the first; a folder of its own",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Average; print the path of the network."""
    if len(arguments.networks) < 2:
        raise SettingsError("one network has no mean; name at least two")
    sys.stdout.write(f"{average(arguments.networks, arguments.out)}\n")
    return 0


def average(networks: list[Path], out: Path) -> Path:
    """Write the mean of `networks` into `out` and return its path.

    Beside it go the configuration of the first and a record of all. Raises SettingsError for
    networks that differ in shape or in what they hear, and for an `out` that holds a network.
    """
    refuse_other_runs(out)
    config = _common_config(networks)
    loaded = [load_network(path) for path in networks]
    weights = [model.get_weights() for model in loaded]
    shapes = [[array.shape for array in arrays] for arrays in weights]
    for path, other in zip(networks, shapes, strict=True):
        if other != shapes[0]:
            raise SettingsError(f"{path}: another shape than {networks[0]}; average networks alike")
    model: keras.Model = loaded[0]
    model.set_weights([np.mean(arrays, axis=0) for arrays in zip(*weights, strict=True)])
    out.mkdir(parents=True, exist_ok=True)
    if config:
        _replace(out / CONFIG, config.read_text("utf-8"))
    record = {"average_of": [_record_of(path) for path in networks]}
    _replace(out / RECORD, json.dumps(record, indent=1) + "\n")
    save_model(model, out / BEST_MODEL)
    return out / BEST_MODEL


def _common_config(networks: list[Path]) -> Path | None:
    """Return the configuration beside the first network, which must be alike beside all."""
    first, *others = (path.parent / CONFIG for path in networks)
    if not first.exists():
        log.warning("%s is missing: convert will need --config", first)
        return None
    heard = _heard(read_config(first))
    for other in others:
        if not other.exists():
            log.warning("%s is missing: it is taken to be like %s", other, first)
        elif _heard(read_config(other)) != heard:
            raise SettingsError(
                f"{other}: not the front end and labels of {first}; average networks of one run"
            )
    return first


def _heard(config: Config) -> tuple[Any, ...]:
    return config.front_end, config.labels


def _record_of(path: Path) -> dict[str, Any]:
    """Return which network it was, and how it was trained where that is known."""
    beside = path.with_name(RECORD)
    return {
        "network": path.name,
        "sha256": file_digest(path),
        "training": json.loads(beside.read_text("utf-8")) if beside.exists() else {},
    }


def _replace(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text, "utf-8")
