"""The fold rule, and that it keeps speakers together."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from firmware_py.errors import SettingsError
from models.recordings.folds import NUM_FOLDS, fold_of, in_folds, parse_folds, speaker_of


@pytest.mark.parametrize(
    ("name", "speaker"),
    [
        ("yes/00970ce1_nohash_0.flac", "00970ce1"),
        ("103-1240-0000.opus", "103"),
        ("0_george_7.flac", "george"),
        ("0075d273-51bb-47cb-b323-4437bd0de029.opus", "0075d273-51bb-47cb-b323-4437bd0de029"),
        ("12345678-1234-1234-1234-123456789012.flac", "12345678-1234-1234-1234-123456789012"),
        ("17.flac", "17"),
        ("espeak-ng_en-US+m3_00012.flac", "espeak-ng_en-US+m3"),
        ("festival_cmu_us_slt_arctic_hts_04000.flac", "festival_cmu_us_slt_arctic_hts"),
        ("rain.flac", "rain"),
    ],
)
def test_speaker_is_read_from_the_name(name: str, speaker: str) -> None:
    assert speaker_of(Path(name)) == speaker


def test_fold_is_the_digest_of_the_speaker_modulo_ten() -> None:
    digest = int.from_bytes(hashlib.sha1(b"00970ce1").digest(), "big")
    assert fold_of(Path("no/00970ce1_nohash_3.wav")) == digest % 10


def test_all_takes_of_a_speaker_share_a_fold_in_every_folder_and_format() -> None:
    takes = [
        Path(f"{word}/ab12_nohash_{n}.{kind}")
        for word in ("yes", "no")
        for n in range(4)
        for kind in ("wav", "flac")
    ]
    assert len({fold_of(path) for path in takes}) == 1


def test_folds_are_about_equal() -> None:
    counts = Counter(fold_of(Path(f"clip{n}.wav")) for n in range(5000))
    assert set(counts) == set(range(NUM_FOLDS))
    assert max(abs(count - 500) for count in counts.values()) < 100


def test_in_folds_partitions_in_order() -> None:
    paths = [Path(f"{n}.wav") for n in range(100)]
    kept, rest = in_folds(paths, {0, 1}), in_folds(paths, range(2, 10))
    assert sorted(kept + rest, key=lambda path: int(path.stem)) == paths
    assert kept == sorted(kept, key=lambda path: int(path.stem))


@pytest.mark.parametrize(
    ("text", "folds"), [("0,1", {0, 1}), ("2-9", set(range(2, 10))), ("0, 3-4", {0, 3, 4})]
)
def test_parse_folds(text: str, folds: set[int]) -> None:
    assert parse_folds(text) == folds


@pytest.mark.parametrize("text", ["", "10", "a", "1;2", "-1"])
def test_parse_folds_names_the_value_and_the_remedy(text: str) -> None:
    with pytest.raises(SettingsError, match=r"folds are .*write them as"):
        parse_folds(text)
