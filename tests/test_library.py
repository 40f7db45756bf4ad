"""Models by name: built in, installed, in a person's folder, fetched, in the checkout."""

import http.server
import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from firmware_py.__main__ import main
from firmware_py.artefact import DEFAULT_MODEL
from firmware_py.errors import ArtefactError
from firmware_py.installation import library
from firmware_py.installation.slot import Slot
from firmware_py.live.site_models import open_models
from firmware_py.settings import read_settings

BEEP = Path(__file__).parent / "data" / "beep.tflite"


@pytest.fixture(autouse=True)
def homes(tmp_path, monkeypatch):
    """Nothing is installed on this machine and nobody has models of their own."""
    slot = Slot(tmp_path / "installed")
    monkeypatch.setattr(library, "Slot", lambda: slot)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return slot, tmp_path / "home" / "trigger-word" / "models"


def test_without_a_name_the_installed_model_comes_before_the_built_in_one(homes):
    assert library.open_model(None).path == DEFAULT_MODEL
    homes[0].put(BEEP.read_bytes())
    assert library.open_model(None).metadata.name == "beep"


def test_commands_take_the_installed_model_and_say_so(homes, capsys):
    homes[0].put(BEEP.read_bytes())
    assert main(["show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(homes[0].current)


def test_a_name_is_found_wherever_the_model_is(homes):
    slot, own = homes
    assert library.find_model("activate") == DEFAULT_MODEL
    assert library.find_model(str(BEEP)) == BEEP
    assert library.find_model("computer").parent.name == "computer"
    own.mkdir(parents=True)
    (own / "beep.tflite").write_bytes(BEEP.read_bytes())
    assert library.find_model("beep") == own / "beep.tflite"
    Slot(slot.folder, "beep").put(BEEP.read_bytes())
    assert library.find_model("beep") == slot.folder / "beep.tflite"


def test_a_folder_of_that_name_is_not_the_model(homes, tmp_path, monkeypatch):
    (tmp_path / "activate").mkdir()
    monkeypatch.chdir(tmp_path)
    assert library.find_model("activate") == DEFAULT_MODEL


def test_settings_name_models_as_the_command_line_does(homes, tmp_path):
    own, path = homes[1], tmp_path / "site.toml"
    own.mkdir(parents=True)
    (own / "mine.tflite").write_bytes(BEEP.read_bytes())
    (tmp_path / "mine").mkdir()
    url = "https://example.org/word.tflite#sha256=0"
    names = ["mine", "beside.tflite", "sub/mine", url]
    path.write_text("".join(f"[[model]]\npath = '{name}'\n" for name in names))
    found = [model.path for model in read_settings(path).model]
    assert found == ["mine", str(tmp_path / "beside.tflite"), str(tmp_path / "sub/mine"), url]
    path.write_text("[[model]]\npath = 'mine'\n")
    (model,) = open_models(read_settings(path))
    assert model.artefact.path == own / "mine.tflite"
    (tmp_path / "kitchen").write_bytes(BEEP.read_bytes())  # a file without a suffix is still one
    path.write_text("[[model]]\npath = 'kitchen'\n")
    assert read_settings(path).model[0].path == str(tmp_path / "kitchen")


def test_a_model_is_installed_by_its_name(homes, tmp_path):
    own, models = homes[1], tmp_path / "device"
    own.mkdir(parents=True)
    (own / "mine.tflite").write_bytes(BEEP.read_bytes())
    command = [sys.executable, "-m", "firmware_py", "install", "--models", models]
    assert subprocess.run([*command, "mine"], check=False).returncode == 0
    assert (models / "default.tflite").read_bytes() == BEEP.read_bytes()
    refused = subprocess.run([*command, "min"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "did you mean 'mine'?" in refused.stderr


def test_a_name_that_is_not_there_gets_the_nearest():
    with pytest.raises(ArtefactError, match=r"no model 'computr'; did you mean 'computer'\?"):
        library.find_model("computr")
    with pytest.raises(ArtefactError, match="cannot read the model"):
        library.open_model("absent.tflite")


def test_models_are_listed_with_what_they_hear_and_how_well(homes, capsys):
    homes[0].put(BEEP.read_bytes())
    assert main(["models", "--json"]) == 0
    found = {each["name"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {"activate", "default", "computer", "commands"} <= set(found)
    assert [name for name, each in found.items() if each["is_default"]] == ["default"]
    assert found["default"]["words"] == ["beep"]
    assert "silence" not in found["commands"]["words"]
    assert main(["models"]) == 0
    text = capsys.readouterr().out
    assert "activate\n  hears     activate\n  how well  misses " in text
    assert "not measured" in text  # the beep


@pytest.fixture
def server(tmp_path):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(BEEP.parent))

        def log_message(self, *_):
            pass

        def do_GET(self):
            if self.path != "/drips.tflite":
                super().do_GET()
                return
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(b"\0")
                    time.sleep(0.02)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as daemon:
        thread = threading.Thread(target=daemon.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{daemon.server_address[1]}"
        daemon.shutdown()
        thread.join()


def test_a_model_is_fetched_once_and_only_with_its_digest(server, homes):
    digest = sha256(BEEP.read_bytes()).hexdigest()
    address = f"{server}/beep.tflite#sha256={digest}"
    fetched = library.find_model(address)
    assert fetched == homes[1] / "beep.tflite"
    assert fetched.read_bytes() == BEEP.read_bytes()
    assert [file.name for file in homes[1].iterdir()] == ["beep.tflite"]
    unreachable = f"http://127.0.0.1:9/beep.tflite#sha256={digest}"
    assert library.find_model(unreachable) == fetched
    assert library.find_model("beep") == fetched


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("/beep.tflite", "append the digest"),
        ("/beep.tflite#sha256=12", "append the digest"),
        ("/beep.tflite#sha256=" + 64 * "0", "not the one that was asked for"),
        ("/absent.tflite#sha256=" + 64 * "0", "cannot fetch the model"),
        ("/#sha256=" + 64 * "0", "must name a file"),
        ("/drips.tflite#sha256=" + 64 * "0", "it is not here after 0.2 s"),
    ],
)
def test_a_url_that_does_not_hold_gets_one_line(server, homes, ending, expected, monkeypatch):
    monkeypatch.setattr(library, "MOST_FETCH_SECONDS", 0.2 if "drips" in ending else 60.0)
    with pytest.raises(ArtefactError, match=expected) as caught:
        library.find_model(server + ending)
    assert "\n" not in str(caught.value)
    assert not homes[1].exists()
