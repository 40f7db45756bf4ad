"""Exit codes and the one line of every command line."""

import pytest

from convert.errors import ParityError
from firmware_py.console import exit_code
from firmware_py.errors import DeviceError, SettingsError


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SettingsError("rate is 0; the least is 1"), 2, "rate is 0; the least is 1"),
        (DeviceError("the microphone is gone"), 75, "the microphone is gone"),
        (ParityError("0.2 over the limit"), 1, "0.2 over the limit"),
        (FileNotFoundError(2, "No such file", "a.wav"), 2, "[Errno 2] No such file: 'a.wav'"),
        (SettingsError("a\x1b[2Jb"), 2, "a?[2Jb"),
    ],
)
def test_an_error_is_one_line_and_has_a_code(
    error: Exception, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> int:
        raise error

    assert exit_code("python -m board", run) == code
    assert capsys.readouterr().err == f"python -m board: {line}\n"


def test_what_went_well_has_its_own_code() -> None:
    assert [exit_code("detect", lambda code=code: code) for code in (0, 1)] == [0, 1]


def test_a_stop_by_hand_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> int:
        raise KeyboardInterrupt

    assert exit_code("detect", run) == 130
    assert capsys.readouterr().err == ""
