"""The recordings that clips are laid out of, by the part they play."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from firmware_py.errors import SettingsError
from models.recordings.folds import NUM_FOLDS
from models.recordings.sources import Bank, BankRecording, load_bank
from models.settings.config import Config

ROLES = ("positive", "negative", "background", "room", "microphone")


class Banks:
    """The recordings of a configuration's sources, drawn as often as their shares say."""

    def __init__(
        self, config: Config, roots: Sequence[Path], folds: Sequence[int] | None = None
    ) -> None:
        """
        roots: folders that hold the sources.
        folds: tenths of the speakers to use; by default those that are not kept out.
        """
        recipe = config.trigger_recipe
        if folds is None:
            kept = recipe.held_out_folds + recipe.test_folds
            folds = [fold for fold in range(NUM_FOLDS) if fold not in kept]
        self.sample_rate_hz = config.front_end.sample_rate_hz
        self._name = config.name
        self._labels = config.labels
        self._banks = {role: self._load(config, role, tuple(roots), folds) for role in ROLES}

    def of(self, role: str) -> Sequence[Bank]:
        """Return the banks of a role, none of them empty."""
        return self._banks[role]

    def require(self, role: str) -> None:
        """Raise SettingsError where no source plays the role."""
        if not self._banks[role]:
            raise SettingsError(f"{self._name}: the recipe names no {role} source; add one")

    def draw(self, rng: np.random.RandomState, role: str) -> tuple[Bank, BankRecording]:
        """Return a recording, or an excerpt of one, and its bank."""
        banks = self._banks[role]
        shares = np.array([bank.source.share for bank in banks])
        bank = banks[int(np.searchsorted(np.cumsum(shares) / shares.sum(), rng.uniform()))]
        return bank, bank.excerpt(rng, self.sample_rate_hz)

    def label_of(self, bank: Bank) -> int:
        """Return the number of the label that a bank of positives teaches."""
        label = bank.source.label or self._labels[0]
        if label not in self._labels:
            raise SettingsError(f"source {bank.source.path}: no label {label!r} in {self._labels}")
        return self._labels.index(label)

    def _load(
        self, config: Config, role: str, roots: tuple[Path, ...], folds: Sequence[int]
    ) -> list[Bank]:
        """Return the banks of a role that have recordings in these folds."""
        sources = config.trigger_recipe.sources_of(role)
        banks = [load_bank(source, roots, self.sample_rate_hz, folds) for source in sources]
        filled = [bank for bank in banks if bank.takes]
        if banks and not filled:
            raise SettingsError(
                f"{self._name}: no {role} recording in folds {list(folds)};"
                " add recordings or hold out other folds (held_out_folds)"
            )
        return filled
