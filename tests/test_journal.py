"""The journal of what was heard, its clips and what people say of them."""

import errno
import io
import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from firmware_py import durable_file
from firmware_py.monitor.clip_files import JournalEntry
from firmware_py.monitor.export import export
from firmware_py.monitor.journal import MOST_WITHOUT_CLIPS, Journal, open_journal
from firmware_py.settings import ClipSettings

ENTRY = JournalEntry("detection", "turn on", "m", 0.9, 0.8, "2026-01-02T03:04:05.678+00:00")


def wav() -> bytes:
    content = io.BytesIO()
    soundfile.write(content, np.arange(800, dtype=np.int16), 8000, "PCM_16", format="WAV")
    return content.getvalue()


def journal(folder: Path, max_clips: int = 100, max_days: float = 30.0) -> Journal:
    return Journal(folder, max_clips, max_days)


def numbers(of: Journal) -> list[int]:
    return [line.number for line in of.lines()]


def test_entries_and_verdicts_outlive_a_restart_newest_first(tmp_path: Path) -> None:
    first = journal(tmp_path)
    first.add(ENTRY, wav())
    first.add(replace(ENTRY, kind="close-miss", score=0.6), wav())
    first.judge(1, "wrong")
    again = journal(tmp_path)
    assert again.lines() == first.lines()
    assert [(line.number, line.entry.verdict) for line in again.lines()] == [(2, ""), (1, "wrong")]
    clip = again.lines()[1].clip
    assert clip
    assert clip.relative_to(tmp_path) == Path("turn_on/000001-20260102T030405678Z-0.900.wav")
    assert clip.read_bytes() == wav()
    assert {path.stat().st_mode & 0o077 for path in (clip, clip.with_suffix(".json"))} == {0}


def test_without_a_folder_nothing_is_written_and_the_memory_is_bounded() -> None:
    memory = Journal(None)
    for _ in range(MOST_WITHOUT_CLIPS + 5):
        memory.add(ENTRY, wav())
    assert len(memory) == MOST_WITHOUT_CLIPS
    assert memory.lines()[-1].number == 6
    assert all(line.clip is None for line in memory.lines())
    assert memory.judge(6, "right").entry.verdict == "right"


def test_the_order_does_not_depend_on_the_clock(tmp_path: Path) -> None:
    ring = journal(tmp_path, max_clips=2)
    for year in (2026, 2025, 1970):
        ring.add(replace(ENTRY, timestamp=f"{year}-01-01T00:00:00.000+00:00"), wav())
    assert numbers(ring) == numbers(journal(tmp_path)) == [3, 2]


def test_judged_clips_go_last_but_the_count_is_kept(tmp_path: Path) -> None:
    ring = journal(tmp_path, max_clips=3)
    for _ in range(2):
        ring.judge(ring.add(ENTRY, wav()).number, "right")
    for _ in range(5):
        ring.add(ENTRY, wav())
    assert numbers(ring) == [7, 2, 1]
    ring.judge(7, "wrong")
    ring.add(ENTRY, wav())
    assert numbers(ring) == [8, 7, 2]
    assert len(list(tmp_path.glob("*/*.wav"))) == 3


def test_days_are_bounded_too(tmp_path: Path) -> None:
    ring = journal(tmp_path, max_days=2.0)
    for _ in range(2):
        ring.judge(ring.add(ENTRY, wav()).number, "right")
    old = ring.lines()[1].clip
    assert old
    then = old.stat().st_mtime - 3 * 86400
    os.utime(old, (then, then))
    ring.forget_old()
    assert numbers(ring) == numbers(journal(tmp_path, max_days=2.0)) == [2]
    assert not old.exists()


@pytest.mark.parametrize("label", ["..", "../../etc", "/", "a/b", ".", "", "\n", "x" * 300, "wörd"])
def test_no_label_leaves_the_folder_and_none_collide(tmp_path: Path, label: str) -> None:
    folder = tmp_path / "clips"
    ring = journal(folder)
    for model in ("one", "two"):
        ring.add(replace(ENTRY, label=label, model=model), wav())
    written = list(tmp_path.rglob("*.wav"))
    assert len(written) == 2
    assert {path.parent.parent for path in written} == {folder}
    assert {line.entry.label for line in journal(folder).lines()} == {label}


@pytest.mark.parametrize("score", [12.5, -3.0, float("inf")])
def test_any_score_is_kept_in_the_ring(tmp_path: Path, score: float) -> None:
    ring = journal(tmp_path, max_clips=2)
    for _ in range(5):
        ring.add(replace(ENTRY, score=score), wav())
    assert len(list(tmp_path.rglob("*.wav"))) == 2


def test_new_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        journal(tmp_path / "a" / "b").add(ENTRY, wav())
    finally:
        os.umask(before)
    made = [path for path in (tmp_path / "a").rglob("*") if path.is_dir()] + [tmp_path / "a"]
    assert len(made) == 3
    assert {path.stat().st_mode & 0o777 for path in made} == {0o700}


def test_deleting_deletes_both_files_and_nothing_foreign(tmp_path: Path) -> None:
    ring = journal(tmp_path)
    for _ in range(3):
        ring.add(ENTRY, wav())
    foreign = tmp_path / "turn_on" / "mine.wav"
    foreign.write_bytes(b"")
    half = tmp_path / "turn_on" / ".000009-20260102T030405678Z-0.900.wav.part"
    half.write_bytes(b"")
    ring.delete(2)
    assert numbers(ring) == [3, 1]
    with pytest.raises(KeyError):
        ring.delete(2)
    assert ring.delete_everything() == 2
    assert list(tmp_path.rglob("*")) == [tmp_path / "turn_on", foreign]
    assert ring.add(ENTRY, wav()).number == 4


def test_what_a_power_cut_left_is_cleared_at_the_start(tmp_path: Path) -> None:
    ring = journal(tmp_path)
    clips = [ring.add(ENTRY, wav()).clip for _ in range(2)]
    assert clips[0]
    clips[0].with_suffix(".json").unlink()
    (clips[0].parent / f".{clips[0].name}.part").write_bytes(b"RIFF")
    assert numbers(journal(tmp_path)) == [2]
    assert sorted(path.suffix for path in tmp_path.rglob("0*")) == [".json", ".wav"]


def test_a_disk_that_takes_no_changes_ends_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A card that fails is mounted read-only."""
    ring = journal(tmp_path)
    clip = ring.add(ENTRY, wav()).clip
    ring.add(ENTRY, wav())
    assert clip
    clip.with_suffix(".json").unlink()
    (clip.parent / f".{clip.name}.part").write_bytes(b"RIFF")
    (clip.parent / "20260102T030405678Z-0.900.part").write_bytes(b"RIFF")

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    again = open_journal(ClipSettings(str(tmp_path)))
    assert numbers(again) == [2]
    assert caplog.text.count("Read-only file system") == 3


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b'{"kind": "dete',
        b"\xff",
        b"[" * 10_000,
        b'{"score": NaN}',
        json.dumps(asdict(ENTRY) | {"timestamp": "2026-91-02"}).encode(),
        json.dumps(asdict(ENTRY) | {"score": "much"}).encode(),
    ],
)
def test_what_a_disk_has_damaged_costs_no_sound(damaged: bytes, tmp_path: Path) -> None:
    """The clip's name tells when it was and how high the score."""
    clip = journal(tmp_path).add(ENTRY, wav()).clip
    assert clip
    clip.with_suffix(".json").write_bytes(damaged)
    (line,) = journal(tmp_path).lines()
    assert line.clip == clip
    assert line.clip.read_bytes() == wav()
    kept = replace(ENTRY, label="turn_on", model="", threshold=0.0)
    assert line.entry == kept


def test_a_verdict_that_cannot_be_written_is_not_told_as_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = journal(tmp_path)
    ring.add(ENTRY, wav())
    ring.judge(1, "right")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        ring.judge(1, "wrong")
    monkeypatch.undo()
    assert ring.lines()[0].entry.verdict == "right"
    assert journal(tmp_path).lines() == ring.lines()
    assert not list(tmp_path.rglob("*.part"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=256k", "clips", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("may not mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_the_oldest_that_nobody_judged_make_room(small_disk: Path) -> None:
    ring = journal(small_disk)
    clip = bytes(20_000)
    for _ in range(3):
        ring.judge(ring.add(ENTRY, clip).number, "wrong")
    for _ in range(30):
        ring.add(ENTRY, clip)
    assert numbers(ring) == numbers(journal(small_disk))
    assert numbers(ring)[0] == 33
    assert numbers(ring)[-3:] == [3, 2, 1]
    with pytest.raises(OSError, match="No space"):
        ring.add(ENTRY, bytes(300_000))
    assert not list(small_disk.rglob("*.part"))
    assert numbers(ring) == numbers(journal(small_disk)) == [3, 2, 1]


def test_the_export_holds_the_judged_clips_by_folder(tmp_path: Path) -> None:
    ring = journal(tmp_path)
    for number, verdict in enumerate(("right", "wrong", "", "wrong"), 1):
        ring.add(ENTRY, wav())
        if verdict:
            ring.judge(number, verdict)  # type: ignore[arg-type]
    gone = ring.lines()[0].clip
    assert gone
    gone.unlink()
    pieces = list(export(ring.lines()))
    assert len(pieces) == 3
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        names = [name for name in archive.namelist() if name.endswith(".wav")]
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.read(names[0]) == wav()
    assert [name.split("/")[:2] for name in names] == [
        ["negatives", "turn_on"],
        ["positives", "turn_on"],
    ]
    assert [clip["file"] for clip in manifest["clips"]] == names
    assert [clip["verdict"] for clip in manifest["clips"]] == ["wrong", "right"]


class TestClipsOfVersion010:
    """TIME-SCORE.wav in the folder of the label, with nothing beside it."""

    def keep(self, folder: Path, name: str = "20251231T235959123Z-0.975.wav") -> Path:
        path = folder / "turn_on" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(wav())
        return path

    def test_they_are_listed_judged_bounded_and_deleted_like_others(self, tmp_path: Path) -> None:
        earlier = self.keep(tmp_path)
        self.keep(tmp_path, "20260101T000000000Z-1.000.wav")
        (tmp_path / "turn_on" / "20260101T000001000Z-0.900.part").write_bytes(b"RIFF")
        foreign = tmp_path / "turn_on" / "20260101-mine.wav"
        foreign.write_bytes(wav())
        ring = open_journal(ClipSettings(folder=str(tmp_path), max_clips=3))
        assert numbers(ring) == [2, 1]
        line = ring.find(1)
        assert line
        assert line.entry == JournalEntry(
            "detection", "turn_on", "", 0.975, 0.0, "2025-12-31T23:59:59.123+00:00"
        )
        assert line.clip == earlier.with_name(f"000001-{earlier.name}")
        ring.judge(1, "wrong")
        assert open_journal(ClipSettings(folder=str(tmp_path))).lines() == ring.lines()
        for _ in range(2):
            ring.add(ENTRY, wav())
        assert numbers(ring) == [4, 3, 1]
        assert ring.delete_everything() == 3
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [foreign]

    def test_the_power_may_go_in_the_middle(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.keep(tmp_path)

        def cut(*_: object) -> None:
            raise OSError("the power went")

        with monkeypatch.context() as during:
            during.setattr(Path, "rename", cut)
            assert numbers(open_journal(ClipSettings(folder=str(tmp_path)))) == []
        assert numbers(open_journal(ClipSettings(folder=str(tmp_path)))) == [1]
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
