"""Every trained model in the repository is the one that its card's digests name."""

import hashlib
from pathlib import Path

import pytest

from firmware_py.artefact import DEFAULT_MODEL

TRAINED = Path(__file__).parent.parent / "models" / "trained"
FOLDERS = sorted(card.parent for card in TRAINED.glob("*/README.md"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_digests_beside_the_card_are_those_of_the_files(folder: Path) -> None:
    """After a model has changed: make digests."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    named = {name: known for known, _, name in (line.partition("  ") for line in lines)}
    found = {path.name: digest(path) for path in folder.iterdir() if path.suffix in MODELS}
    assert named == found
    assert "(SHA256SUMS)" in (folder / "README.md").read_text()


MODELS = {".tflite", ".keras", ".npz"}


def test_the_default_model_is_a_trained_one() -> None:
    assert digest(DEFAULT_MODEL) in (TRAINED / "activate" / "SHA256SUMS").read_text()
