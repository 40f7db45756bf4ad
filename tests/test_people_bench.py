"""The bench of people, judged where the answers are known: a network that hears a tone."""

import json
from pathlib import Path

import pytest
from tone_recordings import BEEP, make_speech, make_words

from firmware_py.artefact import read_artefact
from firmware_py.errors import SettingsError
from models.__main__ import main
from models.commands.people_bench import read_people, read_rows
from models.evaluation.people_bench import RATES_PER_HOUR, half_of, judge

MISSED = {"voice0_6", "voice1_7"}
"""Of the eight words, those without the tone."""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return make_words(tmp_path / "words"), make_speech(tmp_path / "speech")


def test_each_half_counts_its_own_recordings(folders: tuple[Path, Path]) -> None:
    words, speech = folders
    artefact = read_artefact(BEEP)
    (label,) = artefact.metadata.labels
    judged = judge(artefact, {label: [words]}, [speech], [speech])
    names = {path.stem for path in words.glob("*.wav")}
    for half in ("choose", "confirm"):
        own = {name for name in names if half_of(Path(name)) == half}
        cells = [
            cell
            for cell in judged.cells
            if (cell.half, cell.condition, cell.false_accepts_per_hour)
            == (half, "as recorded", RATES_PER_HOUR[0])
        ]
        assert [cell.positives for cell in cells] == ([len(own)] if own else [])
        assert all(cell.missed >= len(own & MISSED) for cell in cells)
    conditions = {cell.condition for cell in judged.cells}
    assert conditions == {
        "as recorded",
        "noise 20 dB",
        "noise 10 dB",
        "noise 5 dB",
        "after digital silence",
    }


def test_a_word_that_only_confirms_chooses_nothing(folders: tuple[Path, Path]) -> None:
    words, speech = folders
    artefact = read_artefact(BEEP)
    (label,) = artefact.metadata.labels
    judged = judge(artefact, {label: [words]}, [speech], [speech], confirming=[label])
    assert {cell.half for cell in judged.cells} == {"confirm"}
    assert {cell.positives for cell in judged.cells} == {8}


def test_rows_gather_in_one_table(folders: tuple[Path, Path], tmp_path: Path) -> None:
    words, speech = folders
    (label,) = read_artefact(BEEP).metadata.labels
    out = tmp_path / "bench"
    for row in ("first, seed 1", "second, seed 2"):
        people = ["--people", f"{label}={words}", "--negatives", str(speech)]
        arguments = ["people-bench", str(BEEP), "--row", row, *people]
        assert main([*arguments, "--noise", str(speech), "--out", str(out)]) == 0
    page = (out / "README.md").read_text("utf-8")
    assert "| first, seed 1 | ~0.5 |" in page
    assert "| second, seed 2 | ~0.5 |" in page
    assert set(json.loads((out / "rows.json").read_text())) == {"first, seed 1", "second, seed 2"}
    assert (out / "first-seed-1.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("pair", ["alexa", "zoe=words"])
def test_wrong_people_are_refused(pair: str) -> None:
    with pytest.raises(SettingsError, match=r"--people"):
        read_people([pair], ("alexa",))


def test_damaged_rows_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text("{")
    with pytest.raises(SettingsError, match="not valid JSON"):
        read_rows(tmp_path / "rows.json")
