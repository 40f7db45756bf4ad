"""A run keeps what others left, until it can replace it."""

from pathlib import Path

import pytest

from firmware_py.errors import SettingsError
from models.__main__ import main
from models.settings.config import CONFIGS, read_config
from models.training.run_folder import CONFIG, WORK, settle

ACTIVATE = CONFIGS / "activate.toml"


@pytest.mark.parametrize("options", [(), ("--resume",)])
def test_a_trained_network_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    (tmp_path / "model.keras").write_bytes(b"weights")
    (tmp_path / "training.csv").write_text("step\n")
    assert main(["train", str(ACTIVATE), "--out", str(tmp_path), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(
        f"{tmp_path}: holds a trained network, which would be lost; choose another --out"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.keras", "training.csv"]


def test_a_run_without_its_data_removes_nothing(tmp_path: Path) -> None:
    checkpoint = tmp_path / WORK / "checkpoint.npz"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"state")

    def no_data(_: object) -> None:
        raise SettingsError("no folder")

    with pytest.raises(SettingsError, match="no folder"):
        settle(tmp_path, read_config(ACTIVATE), False, no_data)  # type: ignore[arg-type]
    assert list(tmp_path.rglob("*")) == [checkpoint.parent, checkpoint]
    settle(tmp_path, read_config(ACTIVATE), False, lambda config: config)
    assert not checkpoint.exists()
    assert (tmp_path / CONFIG).exists()


def test_the_network_that_a_run_starts_from_stays(tmp_path: Path) -> None:
    checkpoint = tmp_path / WORK / "checkpoint-40.npz"
    checkpoint.parent.mkdir()
    for expected in ("no such network", "would remove it"):
        with pytest.raises(SettingsError, match=expected):
            settle(tmp_path, read_config(ACTIVATE), False, lambda config: config, checkpoint)
        checkpoint.write_bytes(b"state")
    assert checkpoint.exists()
