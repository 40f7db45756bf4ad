"""The command that speaks phrases."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from firmware_py.errors import MissingToolError, SettingsError
from models.commands import speak
from models.voices.catalogue import find_voices


@pytest.fixture(autouse=True)
def installed_voices() -> None:
    try:
        find_voices()
    except MissingToolError as error:
        pytest.skip(str(error))


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    speak.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["speak", *words])
    return int(arguments.run(arguments))


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "manifest.csv").open() as file:
        return list(csv.DictReader(file))


def test_clips_are_what_the_manifest_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "bank"
    assert run("--phrase", "activate", "--out", str(out), "--count", "20", "--seed", "4") == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out / 'manifest.csv'}\n"
    assert "clip" in printed.err
    rows = rows_of(out)
    assert len(rows) == 20
    assert {path.name for path in out.iterdir()} == {"manifest.csv", *(row["file"] for row in rows)}
    for row in rows:
        samples, sample_rate_hz = soundfile.read(out / row["file"])
        assert soundfile.info(out / row["file"]).subtype == "PCM_16"
        assert row["file"].startswith(f"{row['engine']}_{row['voice']}".replace(" ", "-"))
        assert sample_rate_hz == int(row["sample_rate_hz"])
        assert len(samples) / sample_rate_hz == pytest.approx(
            float(row["duration_seconds"]), abs=1e-4
        )
        assert np.abs(samples).max() == pytest.approx(0.5, abs=1e-3)
        word = float(row["word_end_seconds"]) - float(row["word_start_seconds"])
        assert 0.25 < word < 1.6
        assert (row["mean_f0_hz"] == "") == (row["formant_factor"] == "")


def test_phrases_from_a_file_join_the_others(tmp_path: Path) -> None:
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("active\n\n after late \n")
    out = tmp_path / "bank"
    run("--phrase", "act", "--phrases", str(phrases), "--out", str(out), "--count", "2")
    assert [row["phrase"] for row in rows_of(out)] == 2 * ["act", "active", "after late"]


def test_phrases_of_a_file_that_sound_like_another_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "phrases.txt"
    file.write_text("please activate it\nactive eight\nopen the door\n")
    options = ["--phrases", str(file), "--without", "activate"]
    run(*options, "--out", str(tmp_path / "bank"), "--count", "1", "--engines", "flite")
    rows = rows_of(tmp_path / "bank")
    assert [row["phrase"] for row in rows] == ["active eight", "open the door"]


@pytest.fixture
def russian() -> None:
    try:
        find_voices(["native-russian"])
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("russian")
def test_other_languages_are_read_by_their_own_voices(tmp_path: Path) -> None:
    options = ["--phrase", "где находится библиотека", "--count", "4"]
    run(*options, "--out", str(tmp_path / "bank"), "--engines", "native-russian")
    rows = rows_of(tmp_path / "bank")
    assert {row["engine"] for row in rows} == {"native-russian"}
    assert {row["carrier"] for row in rows} == {""}
    assert all(float(row["duration_seconds"]) > 0.5 for row in rows)
    with pytest.raises(SettingsError, match="English letters"):
        run(*options, "--out", str(tmp_path / "english"), "--engines", "flite")


@pytest.mark.parametrize("option", ["--keep-carrier", "--without=activate"])
def test_what_knows_english_alone_is_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(SettingsError, match="is for English"):
        run("--phrase", "да", "--engines", "native-russian", option, "--out", str(tmp_path))


def test_a_phrase_without_sounds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has no letters"):
        run("--sentences", "4", "--without", "!", "--out", str(tmp_path))


def test_no_carrier_says_all_alone(tmp_path: Path) -> None:
    run("--phrase", "activate", "--out", str(tmp_path), "--count", "12", "--no-carrier")
    assert {row["carrier"] for row in rows_of(tmp_path)} == {""}


def test_keep_carrier_keeps_whole_sentences(tmp_path: Path) -> None:
    out = str(tmp_path)
    run("--phrase", "activate", "--out", out, "--count", "12", "--keep-carrier", "--workers", "2")
    placing = ("espeak-ng", "flite", "festival")
    rows = [row for row in rows_of(tmp_path) if row["engine"] in placing]
    assert rows
    for row in rows:
        assert "activate" in row["carrier"].split()
        assert float(row["duration_seconds"]) > 1.3 * (
            float(row["word_end_seconds"]) - float(row["word_start_seconds"])
        )


def test_only_the_named_engines_speak(tmp_path: Path) -> None:
    engine = find_voices()[0].engine
    run("--phrase", "activate", "--out", str(tmp_path), "--count", "6", "--engines", engine)
    assert {row["engine"] for row in rows_of(tmp_path)} == {engine}


def test_made_up_sentences_hold_other_words(tmp_path: Path) -> None:
    options = ("--out", str(tmp_path), "--no-carrier", "--count", "1")
    run("--sentences", "4", "--without", "activate", *options)
    said = [row["phrase"] for row in rows_of(tmp_path)]
    assert len(set(said)) == 4
    assert all(len(sentence.split()) >= 5 and "activate" not in sentence for sentence in said)


def test_sentences_need_to_know_what_they_must_not_hold(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--without"):
        run("--sentences", "4", "--out", str(tmp_path))


@pytest.mark.parametrize("option", ["--count", "--workers"])
def test_a_number_below_one_is_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(SettingsError, match=f"{option} (is )?0"):
        run("--phrase", "activate", "--out", str(tmp_path), option, "0")


def test_no_phrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--phrase TEXT or --phrases FILE"):
        run("--out", str(tmp_path))


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.txt"):
        run("--phrases", str(tmp_path / "missing.txt"), "--out", str(tmp_path))
