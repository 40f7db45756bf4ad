"""Models and settings that would cost memory, time or the service: one line each, at once."""

import io
import json
import os
import random
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_artefact import repack

from board.sign.signing import make_key, public_key, signed
from firmware_py.artefact import read_artefact
from firmware_py.errors import ArtefactError, SettingsError
from firmware_py.installation.signature import UntrustedError, read_trusted
from firmware_py.installation.slot import Slot
from firmware_py.live.site_models import open_models
from firmware_py.reading.model_file import METADATA_NAME
from firmware_py.settings import ModelSettings, Settings, SignatureSettings, read_settings

DATA = Path(__file__).parent / "data"
BEEP, HOOT = DATA / "beep.tflite", DATA / "hoot.tflite"
ROOT = Path(__file__).parents[1]
FLATBUFFER = read_artefact(BEEP).flatbuffer
with zipfile.ZipFile(BEEP) as _archive:
    METADATA = _archive.read(METADATA_NAME)


def refusal(path: Path) -> str:
    """Return the one line that refuses the model at `path`."""
    with pytest.raises(ArtefactError) as caught:
        read_artefact(path)
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 1000
    assert path.name in line
    return line


# What metadata may say

ABSURD: dict[str, tuple[tuple[Any, ...], object, str]] = {
    "rate": (("front_end", "sample_rate_hz"), 10**9, "sample_rate_hz is 1000000000"),
    "rate 0": (("front_end", "sample_rate_hz"), 0, "sample_rate_hz is 0; the least"),
    "window": (("front_end", "window_length"), 2**31, "window_length"),
    "fft": (("front_end", "fft_length"), 2**31, "fft_length"),
    "hop": (("front_end", "hop_length"), 1, "time of a step in seconds"),
    "work": (
        ("front_end",),
        {"sample_rate_hz": 384_000, "window_length": 2000, "hop_length": 10},
        "the points of all FFTs in a second",
    ),
    "sum": (("front_end", "sum_frames"), 10**9, "sum_frames"),
    "mel": (("front_end", "num_mel_bins"), 2**31, "num_mel_bins"),
    "mean": (("front_end", "mean"), [1e300] * 24, "mean is 1e+300"),
    "deviation": (("front_end", "deviation"), [0.0] * 24, "deviation is 0.0"),
    "epsilon": (("front_end", "log_epsilon"), -1.0, "log_epsilon is -1.0"),
    "target": (("front_end", "causal_level"), {"target_dbfs": 1e6}, "target_dbfs is 1000000.0"),
    "time": (("front_end", "causal_level"), {"time_constant_seconds": 0.0}, "time_constant"),
    "kernel": (("network", "kernel_size"), 0, "kernel_size is 0"),
    "stride": (("network", "stride"), 10**12, "stride is 1000000000000"),
    "steps": (("network", "steps_per_call"), 10**6, "steps_per_call"),
    "history": (("network", "tensors", "history", "shape"), [1, 10**9, 24], "history's shape"),
    "smoothing": (("trigger", "smoothing"), 3 * 10**8, "smoothing is 300000000"),
    "patience": (("trigger", "patience"), 10**10, "patience"),
    "refractory": (("trigger", "refractory"), 10**300, "refractory"),
    "a day": (("trigger", "refractory"), 5_000_000, "the refractory time in seconds is"),
    "threshold": (("trigger", "threshold"), 10**400, "threshold"),
    "window of words": (("trigger",), {"threshold": 0.5, "average_window_ms": 1e12}, "average"),
    "no word": (("labels",), ["silence"], "number of words"),
    "no label": (("labels",), [], "number of labels"),
    "twins": (("labels",), ["beep", "beep"], "different labels"),
    "many labels": (("labels",), [f"w{number}" for number in range(101)], "number of labels"),
    "a path": (("labels",), ["../beep"], "a label is '../beep'"),
    "dots": (("labels",), [".."], "a label is '..'"),
    "a line": (("labels",), ["be\nep"], "control character '\\n'"),
    "long": (("labels",), ["b" * 65], "a label is"),
    "empty": (("labels",), [""], "a label is ''"),
    "escape": (("training",), {"notes": ["\x1b[2J"]}, "control character '\\x1b'"),
    "key": (("training",), {"a\rb": 1}, "control character '\\r'"),
    "turned": (("name",), "abc\u202ecba", "control character"),
    "half a letter": (("evaluation",), {"x": "\ud800"}, "control character"),
    "figure": (("evaluation",), {"misses": 10**400}, "evaluation.misses is 1000"),
    "endless": (("training",), {"a": [{"b": 1e300}]}, "training.a.b is 1e+300; the most"),
    "point": (("operating_points",), {"a/b": {"threshold": 0.5}}, "an operating point is 'a/b'"),
    "a day of a point": (
        ("operating_points",),
        {"strict": {"threshold": 0.5, "refractory": 5_000_000}},
        "the refractory time in seconds is",
    ),
    "points": (
        ("operating_points",),
        {f"p{number}": {"threshold": 0.5} for number in range(101)},
        "the number of operating points is 101",
    ),
    "schema": (("schema_version",), 0, "schema_version is 0"),
    "version": (("version",), -1, "version is -1"),
}


@pytest.mark.parametrize("kind", ABSURD)
def test_absurd_metadata(tmp_path: Path, kind: str) -> None:
    place, value, expected = ABSURD[kind]

    def change(metadata: dict[str, Any]) -> None:
        for key in place[:-1]:
            metadata = metadata[key]
        metadata[place[-1]] = value

    path = repack(BEEP, tmp_path / "absurd.tflite", change)
    assert expected in refusal(path)


@pytest.mark.parametrize("label", ["computer", "hey you", "l'eau", "Ünder-world 2.0", "電気"])
def test_words_of_people_are_labels(tmp_path: Path, label: str) -> None:
    path = repack(BEEP, tmp_path / "m.tflite", lambda metadata: metadata.update(labels=[label]))
    assert read_artefact(path).metadata.labels == (label,)


# What the ZIP may hold


def model(*entries: tuple[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO(FLATBUFFER)
    with zipfile.ZipFile(buffer, "a", packed) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, packed)
    return buffer.getvalue()


def with_flag(content: bytes) -> bytes:
    """Return a model whose entries say that they are encrypted."""
    changed = bytearray(content)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = changed.index(magic, len(FLATBUFFER))
        changed[place + offset] |= 1
    return bytes(changed)


def with_hole(content: bytes) -> bytes:
    """Return a model whose packed metadata are damaged."""
    changed = bytearray(content)
    start = len(FLATBUFFER) + 30 + len(METADATA_NAME)
    changed[start : start + 40] = b"\xff" * 40
    return bytes(changed)


def many_entries() -> bytes:
    return model((METADATA_NAME, METADATA), *((f"e{number}", b"") for number in range(2000)))


DEEP = b'{"schema_version": 1, "training": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb": (lambda: model((METADATA_NAME, bytes(50 * 2**20))), "bytes; at most"),
    "dense": (lambda: model((METADATA_NAME, b" " * 900_000)), "packed into"),
    "encrypted": (lambda: with_flag(model((METADATA_NAME, METADATA))), "encrypted"),
    "damaged": (lambda: with_hole(model((METADATA_NAME, METADATA))), "cannot be unpacked"),
    "bzip2": (lambda: model((METADATA_NAME, METADATA), packed=zipfile.ZIP_BZIP2), "unknown way"),
    "lzma": (lambda: model((METADATA_NAME, METADATA), packed=zipfile.ZIP_LZMA), "unknown way"),
    "no metadata": (lambda: model(("labels.txt", b"beep")), "no metadata.json"),
    "many": (many_entries, "no metadata.json"),
    "comment": (lambda: model((METADATA_NAME, METADATA)) + b"more", "no metadata.json"),
    "deep": (lambda: model((METADATA_NAME, DEEP), packed=0), "nested too deeply"),
    "digits": (
        lambda: model((METADATA_NAME, b'{"schema_version": ' + b"9" * 5000 + b"}"), packed=0),
        "not JSON that can be read",
    ),
    "not a number": (
        lambda: model((METADATA_NAME, b'{"schema_version": NaN}')),
        "NaN is not a number",
    ),
    "no text": (lambda: model((METADATA_NAME, b'\xff\xfe{"a": 1}')), "not JSON"),
    "a list": (lambda: model((METADATA_NAME, b"[1]")), "no schema_version"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_that_cost_or_lie(tmp_path: Path, kind: str) -> None:
    make, expected = ARCHIVES[kind]
    path = tmp_path / "made.tflite"
    path.write_bytes(make())
    assert expected in refusal(path)


def test_twin_entries(tmp_path: Path) -> None:
    path = tmp_path / "twins.tflite"
    with pytest.warns(UserWarning, match="Duplicate name"):
        path.write_bytes(model((METADATA_NAME, METADATA), (METADATA_NAME, METADATA)))
    assert "twice" in refusal(path)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe could hold the reader for ever, and says something else at the second reading."""
    os.mkfifo(tmp_path / "pipe.tflite")
    assert "not a regular file" in refusal(tmp_path / "pipe.tflite")
    (tmp_path / "folder.tflite").mkdir()
    assert "Is a directory" in refusal(tmp_path / "folder.tflite")
    with pytest.raises(ArtefactError, match="null"):
        read_artefact("model\0.tflite")


def test_a_model_is_opened_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is checked is what is used, whatever lies there a moment later."""
    key = make_key(tmp_path / "key")
    path = tmp_path / "model.tflite"
    path.write_bytes(signed(BEEP.read_bytes(), BEEP, key))
    opened = []
    original = os.open

    def counting(name: Any, *arguments: Any, **keywords: Any) -> int:
        opened.append(str(name))
        return original(name, *arguments, **keywords)

    monkeypatch.setattr(os, "open", counting)
    settings = Settings(
        model=(ModelSettings(path=str(path)),), signature=SignatureSettings((public_key(key),))
    )
    assert open_models(settings)[0].artefact.metadata.name == "beep"
    assert opened.count(str(path)) == 1


# Settings

TOML: dict[str, tuple[bytes, str]] = {
    "deep": (b"model = " + b"[" * 3000, "not a valid TOML file"),
    "deep keys": (b".".join([b"a"] * 50_000) + b" = 1", "more than 100 dots"),
    "digits": (b"[microphone]\nchannel = " + b"9" * 5000, "not a valid TOML file"),
    "large": (b"[microphone]\nchannel = " + b"9" * 4000, "channel"),
    "larger than any float": (b"[chime]\nvolume = 1" + b"0" * 400, "volume"),
    "NUL": (b'[[model]]\npath = "a\\u0000b"', "control character '\\x00'"),
    "escape": (b'[chime]\ndevice = "\\u001b[2J"', "control character"),
    "bytes": (b"\xff\xfe", "not a valid TOML file"),
    "huge": (b"#" * (2**17 + 1), "larger than"),
    "infinite": (b"[[gpio]]\npulse_seconds = inf", "finite"),
    "for ever": (b"[[gpio]]\npulse_seconds = 1e9", "the most is 3600"),
    "deaf": (b"[[model]]\nrefractory_seconds = 1e18", "the most is 3600"),
    "many": (b"[[model]]\n" * 100, "number of [[model]]"),
    "date": (b"[chime]\nvolume = 2020-01-01", "volume must be a number"),
}


@pytest.mark.parametrize("kind", TOML)
def test_settings_that_break_parsers(tmp_path: Path, kind: str) -> None:
    content, expected = TOML[kind]
    path = tmp_path / "site.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    line = str(caught.value)
    assert expected in line
    assert line.isprintable()
    assert len(line) < 1000


# The service goes on


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Return a service that listens for clients only, and its settings."""
    pytest.importorskip("wyoming")
    path = tmp_path / "site.toml"
    path.write_text(GOOD.format(model=BEEP))
    process = subprocess.Popen(
        [sys.executable, "-m", "firmware_py", "run", "--settings", str(path)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stderr
    while "ready" not in (line := process.stderr.readline()) and "127.0.0.1" not in line:
        assert line, "it ended"
    yield process, path
    process.kill()
    process.wait()
    process.stderr.close()


GOOD = '[microphone]\nenabled = false\n[wyoming]\nport = 0\n[[model]]\npath = "{model}"\n'


def after_reload(process: "subprocess.Popen[str]") -> str:
    """Return what a service says of a reload."""
    assert process.stderr
    process.send_signal(signal.SIGHUP)
    while "settings" not in (line := process.stderr.readline()):
        assert line, "the service ended"
    return line


def test_bad_files_change_nothing(
    service: tuple["subprocess.Popen[str]", Path], tmp_path: Path
) -> None:
    process, settings = service
    for content, _ in TOML.values():
        settings.write_bytes(content)
        assert "stay as they were" in after_reload(process)
    bad = tmp_path / "bad.tflite"
    settings.write_text(GOOD.format(model=bad))
    contents = [make() for make, _ in ARCHIVES.values()]
    contents += [b"", b"TFL3" * 4, BEEP.read_bytes()[:3000], struct.pack("<I", 2**31) * 9]
    for content in contents:
        bad.write_bytes(content)
        assert "stay as they were" in after_reload(process)
    settings.write_text(GOOD.format(model=HOOT))
    assert "are read again" in after_reload(process)


def test_the_previous_model_listens_whatever_bit_flips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signed current model with one bit flipped, or cut: the one before it is whole."""
    slot = Slot(tmp_path / "models")
    monkeypatch.setattr("firmware_py.live.site_models.Slot", lambda: slot)
    key = make_key(tmp_path / "key")
    slot.put(signed(BEEP.read_bytes(), BEEP, key))
    whole = signed(HOOT.read_bytes(), HOOT, key)
    slot.put(whole)
    settings = Settings(signature=SignatureSettings((public_key(key),)))
    rng = random.Random(3)
    heard = set()
    for number in range(300):
        damaged = bytearray(whole)
        if number % 10 == 0:
            del damaged[rng.randrange(len(damaged)) :]
        else:  # mostly the ZIP: the flatbuffer has its digest
            start = len(FLATBUFFER) if number % 3 else 0
            damaged[rng.randrange(start, len(damaged))] ^= 1 << rng.randrange(8)
        slot.current.write_bytes(damaged)
        heard.add(open_models(settings)[0].artefact.metadata.name)
    assert heard == {"beep", "hoot"}  # some bits of a ZIP mean nothing


def test_no_way_back_below_a_version(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    keys = (public_key(key),)

    def model_of(version: int | None) -> bytes:
        return signed(BEEP.read_bytes(), BEEP, key, version)

    for version in (3, 4):
        assert read_trusted(model_of(version), BEEP, keys, 3).metadata.version == version
    for version in (None, 2):
        with pytest.raises(UntrustedError, match="want 3 at least"):
            read_trusted(model_of(version), BEEP, keys, 3)
    path = tmp_path / "site.toml"
    path.write_text(f"[signature]\npublic_keys = {json.dumps(keys)}\nleast_version = 3\n")
    signature = read_settings(path).signature
    assert signature
    (tmp_path / "old.tflite").write_bytes(model_of(2))
    old = ModelSettings(path=str(tmp_path / "old.tflite"))
    with pytest.raises(UntrustedError):
        open_models(Settings(model=(old,), signature=signature))
