"""`trigger-word install`: switched in one step, signed if wanted, whole after a power cut."""

import base64
import errno
import fcntl
import io
import json
import logging
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from power_cut import Call, read_calls, states

from board.sign.signing import make_key, public_key, read_key, signed
from firmware_py.artefact import DEFAULT_MODEL, pack_artefact, read_artefact
from firmware_py.errors import ArtefactError, SettingsError
from firmware_py.installation.confinement import run_confined
from firmware_py.installation.slot import Slot
from firmware_py.live.site_models import open_models
from firmware_py.settings import ModelSettings, Settings, SignatureSettings

DATA = Path(__file__).parent / "data"
BEEP, HOOT = DATA / "beep.tflite", DATA / "hoot.tflite"
SOURCE = Path(__file__).parents[1]


def install(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firmware_py", "install", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def refusal(*arguments: object) -> str:
    """Return the one line that says why."""
    done = install(*arguments)
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def installed_here(models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the runtime look for installed models in a folder of the test."""
    monkeypatch.setattr("firmware_py.live.site_models.Slot", lambda: Slot(models))
    return models


def labels(settings: Settings | None = None) -> tuple[str, ...]:
    """Return what the runtime would listen to."""
    return open_models(settings or Settings())[0].artefact.metadata.labels


def test_installed_rolled_back_and_forth(installed_here: Path) -> None:
    models = installed_here
    assert labels() == ("activate",)
    assert install(BEEP, "--models", models).returncode == 0
    assert labels() == ("beep",)
    done = install(HOOT, "--models", models, "--json")
    facts = json.loads(done.stdout)
    assert (facts["file"], facts["changed"]) == (str(models / "default.tflite"), True)
    assert facts["sha256"] == read_artefact(HOOT).metadata.sha256
    assert labels() == ("hoot",)
    assert install("--rollback", "--models", models).returncode == 0
    assert labels() == ("beep",)
    assert install("--rollback", "--models", models).returncode == 0
    assert labels() == ("hoot",)
    assert sorted(path.name for path in models.iterdir()) == [
        "default.previous.tflite",
        "default.tflite",
    ]
    assert (models / "default.tflite").stat().st_mode & 0o777 == 0o644


def test_the_folder_is_open_to_the_service_whatever_the_umask(models: Path) -> None:
    old = os.umask(0o077)
    try:
        assert install(BEEP, "--models", models).returncode == 0
    finally:
        os.umask(old)
    assert stat.filemode(models.stat().st_mode) == "drwxr-xr-x"


def test_before_the_first_model_was_the_built_in_one(installed_here: Path) -> None:
    models = installed_here
    install(BEEP, "--models", models)
    done = install("--rollback", "--models", models)
    assert str(DEFAULT_MODEL) in done.stdout
    assert labels() == ("activate",)
    install("--rollback", "--models", models)
    assert labels() == ("beep",)


def test_a_second_time_changes_nothing(models: Path) -> None:
    install(BEEP, "--models", models)
    install(HOOT, "--models", models)
    done = install(HOOT, "--models", models)
    assert "already in place" in done.stdout
    assert (models / "default.previous.tflite").read_bytes() == BEEP.read_bytes()


def test_a_name_stands_beside_the_default(installed_here: Path) -> None:
    models = installed_here
    done = install(BEEP, "--name", "kitchen", "--models", models, "--json")
    assert labels() == ("activate",)
    file = json.loads(done.stdout)["file"]
    assert labels(Settings(model=(ModelSettings(path=file),))) == ("beep",)
    assert "no earlier model 'kitchen'" in refusal(
        "--name", "kitchen", "--rollback", "--models", models
    )
    assert "the name is '../x'" in refusal(BEEP, "--name", "../x", "--models", models)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, 0.5, 0.9, -100, -1])
def test_a_damaged_file_changes_nothing(models: Path, tmp_path: Path, length: float) -> None:
    install(BEEP, "--models", models)
    content = HOOT.read_bytes()
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(content[: int(length * len(content)) if 0 < length < 1 else int(length)])
    assert str(damaged) in refusal(damaged, "--models", models)
    assert [path.name for path in models.iterdir()] == ["default.tflite"]
    assert (models / "default.tflite").read_bytes() == BEEP.read_bytes()


def test_a_network_that_does_not_load(models: Path, tmp_path: Path) -> None:
    artefact = read_artefact(BEEP)
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(pack_artefact(artefact.flatbuffer[:200], artefact.metadata))
    assert "the network is damaged" in refusal(broken, "--models", models)
    assert not models.exists()


def test_a_model_that_hears_silence(models: Path, tmp_path: Path) -> None:
    artefact = read_artefact(BEEP)
    eager = replace(artefact.metadata.trigger, threshold=0.0, patience=1)
    path = tmp_path / "eager.tflite"
    path.write_bytes(pack_artefact(artefact.flatbuffer, replace(artefact.metadata, trigger=eager)))
    assert "hears 'beep' in silence" in refusal(path, "--models", models)


def test_usage(models: Path) -> None:
    assert "or --rollback" in refusal("--models", models)
    assert "or --rollback" in refusal(BEEP, "--rollback", "--models", models)
    assert "nowhere.tflite" in refusal("nowhere.tflite", "--models", models)


def test_a_damaged_disk_does_not_make_it_deaf(
    installed_here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = installed_here
    slot = Slot(models)
    slot.put(BEEP.read_bytes())
    slot.put(HOOT.read_bytes())
    slot.current.write_bytes(b"\0" * 4096)
    with caplog.at_level(logging.ERROR):
        assert labels() == ("beep",)
    assert "default.tflite: this is not a TensorFlow Lite model" in caplog.text
    slot.previous.write_bytes(b"")
    assert labels() == ("activate",)


def test_a_damaged_previous_model_is_not_gone_back_to(models: Path) -> None:
    slot = Slot(models)
    slot.put(BEEP.read_bytes())
    slot.put(HOOT.read_bytes())
    slot.previous.write_bytes(BEEP.read_bytes()[:-50])
    assert "default.previous.tflite" in refusal("--rollback", "--models", models)
    assert slot.current.read_bytes() == HOOT.read_bytes()


# Signatures


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, str]:
    """Return a private key's file and its public half."""
    path = tmp_path / "fleet.key"
    key = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    return path, public_key(key)


def sign(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "board", "sign", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, cwd=SOURCE
    )


def test_signed_where_the_settings_name_a_key(
    models: Path, tmp_path: Path, keys: tuple[Path, str]
) -> None:
    private, public = keys
    settings = tmp_path / "site.toml"
    settings.write_text(f'[signature]\npublic_keys = ["{public}"]\n')
    arguments = ("--settings", settings, "--models", models)
    model = tmp_path / "beep.tflite"
    shutil.copy(BEEP, model)
    assert "the model is not signed" in refusal(model, *arguments)
    done = sign(model, "--key", private)
    assert (done.returncode, done.stdout) == (0, settings.read_text())
    assert read_artefact(model) == replace(read_artefact(BEEP), path=model)
    assert install(model, *arguments).returncode == 0
    again = model.read_bytes()
    sign(model, "--key", private)
    assert model.read_bytes() == again


def test_the_private_key_is_never_overwritten_nor_printed(keys: tuple[Path, str]) -> None:
    private, _ = keys
    before = private.read_text()
    done = sign("--new-key", private)
    assert done.returncode == 2
    assert "never overwritten" in done.stderr
    assert before.strip() not in done.stdout + done.stderr
    assert private.read_text() == before


def test_another_key_and_other_metadata(
    models: Path, tmp_path: Path, keys: tuple[Path, str]
) -> None:
    _, public = keys
    stranger = make_key(tmp_path / "stranger.key")
    model = tmp_path / "model.tflite"
    model.write_bytes(signed(BEEP.read_bytes(), BEEP, stranger))
    arguments = (model, "--models", models)
    assert "none of the 1 trusted keys" in refusal(*arguments, "--key", public)
    assert install(*arguments, "--key", public, "--key", public_key(stranger)).returncode == 0
    # The signature of one model in another: the metadata differ.
    other = signed(HOOT.read_bytes(), HOOT, stranger)
    model.write_bytes(_with_signature_of(BEEP.read_bytes(), other))
    assert "none of the 1 trusted" in refusal(*arguments, "--key", public_key(stranger))
    assert "not an ed25519 public key" in refusal(*arguments, "--key", "secret")


def _with_signature_of(content: bytes, other: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(other)) as archive:
        signature = archive.read("signature.ed25519")
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(zipfile.ZipInfo("signature.ed25519"), signature)
    return buffer.getvalue()


def test_the_runtime_refuses_what_is_not_signed(
    installed_here: Path, keys: tuple[Path, str]
) -> None:
    signature = SignatureSettings((keys[1],))
    assert labels(Settings(signature=signature)) == ("activate",)
    Slot(installed_here).put(BEEP.read_bytes())
    with pytest.raises(ArtefactError, match="not signed"):
        labels(Settings(signature=signature))
    with pytest.raises(ArtefactError, match="not signed"):
        labels(Settings(model=(ModelSettings(path=str(HOOT)),), signature=signature))


def test_signatures_are_those_of_openssl(tmp_path: Path, keys: tuple[Path, str]) -> None:
    """The same key and message give the same signature in another library."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = keys
    theirs = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private.read_text()))
    assert base64.b64decode(public) == theirs.public_key().public_bytes_raw()
    assert read_key(private).sign(b"word").signature == theirs.sign(b"word")


# Power cuts

PUT = """
import sys
from pathlib import Path
from firmware_py.installation.slot import Slot
slot = Slot(Path(sys.argv[1]))
slot.put(Path(sys.argv[2]).read_bytes()) if len(sys.argv) > 2 else slot.roll_back()
"""
CHANGES = "openat,write,fsync,link,linkat,rename,renameat,unlink,unlinkat"


def strace() -> str:
    program = shutil.which("strace")
    if not program:
        pytest.skip("strace is missing; install it with: apt install strace")
    probe = subprocess.run([program, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine does not allow strace")
    return program


def lay_out(models: Path) -> Slot:
    """Return a slot with a current and an earlier model."""
    shutil.rmtree(models, ignore_errors=True)
    slot = Slot(models)
    slot.put(HOOT.read_bytes())
    slot.put(DEFAULT_MODEL.read_bytes())
    return slot


@pytest.mark.parametrize("new", [(BEEP,), ()], ids=["install", "rollback"])
def test_killed_at_every_system_call(models: Path, new: tuple[Path, ...]) -> None:
    """SIGKILL at the entry of each call that touches the folder; then it works, and once more."""
    program = strace()
    target = (new or (HOOT,))[0].read_bytes()
    old = DEFAULT_MODEL.read_bytes()
    seen = set()
    for name in ("write", "fsync", "fchmod", "link", "rename", "unlink", "flock"):
        for count in range(1, 8):
            slot = lay_out(models)
            inject = f"inject={name}:signal=SIGKILL:when={count}"
            command = [
                program,
                "-qq",
                "-o",
                "/dev/null",
                "-P",
                str(models),
                *_paths(models),
                "-e",
                inject,
                sys.executable,
                "-c",
                PUT,
                str(models),
                *map(str, new),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            content = slot.current.read_bytes()
            assert content in (old, target), (name, count)
            seen.add(content == target)
            if done.returncode == 0:
                assert content == target
                break
            slot.put(target)
            assert slot.current.read_bytes() == target
    assert seen == {False, True}


def _paths(models: Path) -> Iterator[str]:
    for name in ("default.tflite", "default.previous.tflite", ".default.new", ".default.old"):
        yield from ("-P", str(models / name))


@pytest.mark.parametrize("new", [(BEEP,), ()], ids=["install", "rollback"])
def test_whole_after_a_power_cut(models: Path, tmp_path: Path, new: tuple[Path, ...]) -> None:
    """Whatever the disk had not yet written, the current model is the old or the new one."""
    slot = lay_out(models)
    before = {str(path): path.read_bytes() for path in models.iterdir()}
    trace = tmp_path / "trace"
    command = [
        strace(),
        "-f",
        "-y",
        "-e",
        f"trace={CHANGES}",
        "-o",
        str(trace),
        sys.executable,
        "-c",
        PUT,
        str(models),
        *map(str, new),
    ]
    subprocess.run(command, check=True, capture_output=True)
    calls = read_calls(trace.read_text(), str(models))
    assert [call.name for call in calls if call.name == "rename"]
    old, target = DEFAULT_MODEL.read_bytes(), (new or (HOOT,))[0].read_bytes()
    assert slot.current.read_bytes() == target

    def found(calls: list[Call]) -> set[tuple[bool, bytes | None]]:
        disks = states(calls, before, str(models), BEEP.read_bytes())
        return {(done, disk.get(str(slot.current))) for done, disk in disks}

    assert found(calls) == {(False, old), (False, target), (True, target)}
    # The computation sees what a missing fsync would do.
    if new:
        careless = [call for call in calls if call.name != "sync"]
        assert len(found(careless)) > 3


# What else may go wrong


def deaf(zeroed: str) -> bytes:
    """Return a model whose weights are zero: its answers do not depend on the sound."""
    from convert.flatbuffer import read_flatbuffer, write_flatbuffer

    artefact = read_artefact(zeroed)
    model = read_flatbuffer(artefact.flatbuffer)
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if data is not None and len(tensor.shape) == 4:
            model.buffers[tensor.buffer].data = 0 * data
    return pack_artefact(write_flatbuffer(model), artefact.metadata)


def test_a_deaf_model(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "deaf.tflite"
    path.write_bytes(deaf(str(BEEP)))
    assert "the model is deaf" in refusal(path, "--models", models)
    assert not models.exists()


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        ("crash", "SIGSEGV"),
        ("compute", "computing"),
        ("hoard", "exit code"),
        ("write", "exit code"),
        ("say", "the word of the child"),
    ],
)
def test_whatever_the_trial_does_is_one_line(tmp_path: Path, deed: str, message: str) -> None:
    with pytest.raises(ArtefactError, match=message) as caught:
        run_confined("tests.confined_deeds", str(tmp_path).encode(), Path(deed))
    assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to give up")
def test_the_trial_is_nobody() -> None:
    run_confined("tests.confined_deeds", b"", Path("be nobody"))


def test_a_lock_that_somebody_holds(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody who may read a folder may lock it: it is no reason to wait for ever."""
    slot = Slot(models)
    slot.put(BEEP.read_bytes())
    monkeypatch.setattr("firmware_py.installation.slot.LOCK_SECONDS", 0.3)
    (models / ".default.new").write_bytes(b"of the one who is at it")
    descriptor = os.open(models, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with pytest.raises(SettingsError, match="by another program"):
            slot.put(HOOT.read_bytes())
    finally:
        os.close(descriptor)
    assert (models / ".default.new").exists()
    assert slot.current.read_bytes() == BEEP.read_bytes()


@pytest.mark.parametrize("name", [".default.new", ".default.old"])
def test_a_link_is_not_followed(models: Path, tmp_path: Path, name: str) -> None:
    slot = Slot(models)
    slot.put(BEEP.read_bytes())
    victim = tmp_path / "victim"
    victim.write_text("whole")
    victim.chmod(0o600)
    (models / name).symlink_to(victim)
    slot.put(HOOT.read_bytes())
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("whole", 0o600)
    assert sorted(path.name for path in models.iterdir()) == [
        "default.previous.tflite",
        "default.tflite",
    ]
    assert not slot.current.is_symlink()


def test_a_full_disk_leaves_nothing_behind(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = Slot(models)
    slot.put(BEEP.read_bytes())

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        slot.put(HOOT.read_bytes())
    assert [path.name for path in models.iterdir()] == ["default.tflite"]
    assert slot.current.read_bytes() == BEEP.read_bytes()
