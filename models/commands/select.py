"""`python -m models select`: a network of fewer words, made of one that hears more."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from firmware_py.errors import SettingsError
from firmware_py.schema import to_mapping
from models.recordings.digest import file_digest
from models.settings.config import Config, read_config
from models.training.run_folder import BEST_MODEL, CONFIG, RECORD, VERIFIER, refuse_other_runs


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "select",
        description="Write a network that hears only some of the words of another: the same"
        " weights, with fewer outputs. What it says to these words stays exactly the same.",
        epilog="example: python -m models select six/model.keras --labels activate --out activate",
    )
    parser.add_argument("network", type=Path, metavar="MODEL.keras", help="with its config.toml")
    parser.add_argument("--labels", nargs="+", required=True, metavar="LABEL")
    parser.add_argument("--name", help="of the new model (default: its first label)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Select; print the path of the network."""
    name = arguments.name or arguments.labels[0].replace(" ", "-")
    sys.stdout.write(f"{select(arguments.network, arguments.labels, name, arguments.out)}\n")
    return 0


def select(network: Path, labels: list[str], name: str, out: Path) -> Path:
    """Write the network of `labels` and its configuration into `out`; return its path.

    Its sources are those of the labels that are left; a verifier beside the network is treated
    alike. Raises SettingsError for a label that the
    network does not hear, and for an `out` that holds a network.
    """
    from models.training.checkpoint import save_model
    from models.training.compilation import load_network

    refuse_other_runs(out)
    config = read_config(network.with_name(CONFIG))
    unheard = [label for label in labels if label not in config.labels]
    if unheard:
        raise SettingsError(f"{network} does not hear {unheard[0]!r}; it hears {config.labels}")
    columns = [config.labels.index(label) for label in labels]
    selected = _with_outputs(load_network(network), columns)
    verifier = network.with_name(VERIFIER)
    second = _with_outputs(load_network(verifier), columns) if verifier.exists() else None
    out.mkdir(parents=True, exist_ok=True)
    settled = _with_labels(config, labels, name)
    (out / CONFIG).write_text(tomli_w.dumps(to_mapping(settled)), encoding="utf-8")
    digest = file_digest(network)
    record: dict[str, Any] = {"selected_from": network.name, "sha256": digest}
    beside = network.with_name(RECORD)
    if beside.exists():
        record["training"] = json.loads(beside.read_text("utf-8"))
    (out / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    save_model(selected, out / BEST_MODEL)
    if second is not None:
        save_model(second, out / VERIFIER)
    return out / BEST_MODEL


def _with_outputs(model: Any, columns: list[int]) -> Any:
    """Return a network like `model` with only these outputs of its last, dense layer."""
    import keras

    *kept, head = model.layers
    if not isinstance(head, keras.layers.Dense):
        raise SettingsError(f"the last layer is {head.name}, not a dense one; train it again")
    fewer = keras.layers.Dense.from_config({**head.get_config(), "units": len(columns)})
    selected = keras.Sequential([keras.Input(model.input_shape[1:], name="frames"), *kept, fewer])
    kernel, bias = head.get_weights()
    fewer.set_weights([kernel[:, columns], bias[columns]])
    return selected


def _with_labels(config: Config, labels: list[str], name: str) -> Config:
    sources = tuple(
        source
        for source in config.trigger_recipe.sources
        if source.role != "positive" or (source.label or config.labels[0]) in labels
    )
    return replace(
        config,
        name=name,
        labels=tuple(labels),
        recipe=replace(config.trigger_recipe, sources=sources),
    )
