"""`python -m models verifier`: a second stage for a trained network."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_py.errors import SettingsError
from models.commands import executors

if TYPE_CHECKING:
    from models.settings.config import Config
    from models.training.verifier_windows import LookedAtClips


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "verifier",
        description="Train a small network that looks again at what a trained network nearly"
        " takes for its word. `python -m convert MODEL --verifier VERIFIER` puts both into one"
        " file. A run that was stopped goes on with the same command.",
        epilog="example: python -m models verifier out/mine/model.keras --data data"
        " --out out/mine/verifier.keras",
    )
    parser.add_argument("network", type=Path, metavar="MODEL.keras", help="with its config.toml")
    parser.add_argument(
        "--data", type=Path, action="append", required=True, metavar="DIR", help="as for train"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="VERIFIER.keras")
    parser.add_argument("--clips", type=int, default=16000, help="to learn from (default 16000)")
    parser.add_argument("--epochs", type=int, default=8, help="passes over them (default 8)")
    parser.add_argument("--seed", type=int, default=1)
    executors.add_arguments(parser, "make clips", default=2)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train; print the path of the verifier."""
    from models.settings.config import read_config
    from models.training.run_folder import CONFIG
    from models.training.verifier import train_verifier

    if min(arguments.clips, arguments.epochs) < 1 or not 0 <= arguments.seed < 2**31:
        raise SettingsError(
            f"--clips {arguments.clips}, --epochs {arguments.epochs}, --seed {arguments.seed}:"
            " clips and epochs start at 1, the seed at 0"
        )
    if arguments.out.suffix != ".keras":
        raise SettingsError(f"--out is {arguments.out}; its name must end with .keras")
    config = read_config(arguments.network.with_name(CONFIG))
    with executors.open_pool(arguments.workers, arguments.dask) as executor:
        out = train_verifier(
            _clips(config, tuple(arguments.data), arguments.seed),
            arguments.network,
            arguments.out,
            executor,
            count=arguments.clips,
            epochs=arguments.epochs,
            seed=arguments.seed,
        )
    sys.stdout.write(f"{out}\n")
    return 0


def _clips(config: "Config", roots: tuple[Path, ...], seed: int) -> "LookedAtClips":
    """Return clips of trigger words or of command words; raises SettingsError for others."""
    from models.clips.batches import TriggerWordClips
    from models.settings.words import WordsRecipe
    from models.training.verifier import SEED_OFFSET
    from models.words.looked_at import CommandWordClips

    if not isinstance(config.recipe, WordsRecipe):
        return TriggerWordClips(config, roots, seed + SEED_OFFSET, 1)
    _ = config.streaming_network
    return CommandWordClips(config, roots, seed + SEED_OFFSET)
