"""Mining with a network that takes tones of 1175 Hz for its word."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tone_recordings import BEEP, RATE_HZ, TONE_HZ, make_speech, sound

from firmware_py.artefact import read_artefact
from firmware_py.errors import SettingsError
from models.commands import mine as command
from models.commands.executors import open_pool
from models.evaluation.hard_negatives import AFTER_SECONDS, BEFORE_SECONDS, mine
from models.recordings.folds import fold_of


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return make_speech(tmp_path / "speech")


def run_command(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["mine", *map(str, arguments)])
    return int(parsed.run(parsed))


def test_only_what_sounds_like_the_word_is_cut_out(speech: Path, tmp_path: Path) -> None:
    found = mine(read_artefact(BEEP), [speech], tmp_path / "mined", least_score=0.3)
    assert [Path(stretch.recording).name for stretch in found] == ["talk3.flac"] * 2
    times = sorted(stretch.time_seconds for stretch in found)
    assert times == pytest.approx([3.2, 7.2], abs=0.25)  # during the tones of 0.4 s
    assert found[0].score >= found[1].score > 0.3
    for stretch in found:
        samples, rate_hz = soundfile.read(tmp_path / "mined" / stretch.file)
        assert len(samples) / rate_hz == pytest.approx(BEFORE_SECONDS + AFTER_SECONDS, abs=0.01)
        spectrum = np.abs(np.fft.rfft(samples))
        assert np.argmax(spectrum) * rate_hz / len(samples) == pytest.approx(TONE_HZ, abs=5)


def test_the_manifest_lists_the_stretches_and_their_folds_stay(
    speech: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mined"
    mine(read_artefact(BEEP), [speech], out, least_score=0.3)
    with (out / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {
        path.relative_to(out).as_posix() for path in out.rglob("*.flac")
    }
    for row in rows:
        assert fold_of(Path(row["file"])) == fold_of(Path(row["recording"]))
    with pytest.raises(SettingsError, match="choose another --out"):
        mine(read_artefact(BEEP), [speech], out, least_score=0.3)


def test_a_stretch_reaches_over_the_seam_of_two_recordings(tmp_path: Path) -> None:
    folder = tmp_path / "short"
    folder.mkdir()
    for number in range(4):
        soundfile.write(folder / f"{number}.wav", sound(0.6, (0.15,), number), RATE_HZ)
    found = mine(read_artefact(BEEP), [folder], tmp_path / "mined", least_score=0.3, limit=1)
    assert len(found) == 1
    assert 0 <= found[0].time_seconds <= 0.6


def test_a_pool_finds_the_same(speech: Path, tmp_path: Path) -> None:
    artefact = read_artefact(BEEP)
    alone = mine(artefact, [speech], tmp_path / "alone", least_score=0.3)
    with open_pool(2) as executor:
        assert alone == mine(
            artefact, [speech], tmp_path / "both", least_score=0.3, executor=executor
        )


def test_the_command_prints_one_object_a_stretch(
    speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (BEEP, "--negatives", speech, "--out", tmp_path / "mined")
    assert run_command(*arguments, "--limit", 1, "--json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert set(json.loads(line)) == {"file", "recording", "time_seconds", "score"}


@pytest.mark.parametrize(("option", "value"), [("--least-score", 1.5), ("--limit", 0)])
def test_a_value_out_of_range_is_refused(
    speech: Path, tmp_path: Path, option: str, value: float
) -> None:
    with pytest.raises(SettingsError, match=f"{option} is {value}"):
        run_command(BEEP, "--negatives", speech, "--out", tmp_path / "mined", option, value)
