"""Files that are replaced at once."""

from pathlib import Path

import pytest

from models.replacing import replacing


def test_the_new_takes_the_place_of_the_old_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_text("old")
    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def _fail_half_way(path: Path) -> None:
    with replacing(path) as part:
        part.write_text("half")
        raise OSError("disk is full")


def test_after_an_error_the_old_stays_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_text("old")
    with pytest.raises(OSError, match="disk is full"):
        _fail_half_way(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
