"""Who may use the page."""

import hashlib
from pathlib import Path

import pytest

from firmware_py.errors import SettingsError
from firmware_py.web.access import (
    FREE_FAILURES,
    LONGEST_WAIT_SECONDS,
    MOST_ADDRESSES,
    SESSION_SECONDS,
    Guesses,
    Sessions,
    host_names,
    is_our_host,
    is_our_origin,
)
from firmware_py.web.credentials import (
    PasswordHash,
    hash_password,
    read_password_file,
    read_token_file,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:10500", True),
        ("192.168.1.7", True),
        ("[::1]:10500", True),
        ("[fe80::1%25eth0]", True),
        ("localhost:10500", True),
        ("Kitchen.example:80", True),
        ("kitchen.example.:80", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:10500", False),
        ("", False),
        ("[::1", False),
        ("[nonsense]", False),
        ("127.0.0.1@evil.example", False),
    ],
)
def test_only_our_names_and_plain_addresses(host: str, ours: bool) -> None:
    assert is_our_host(host, host_names(["kitchen.example"])) is ours


@pytest.mark.parametrize(
    ("origin", "site", "ours"),
    [
        (None, None, True),
        ("http://pi:10500", "same-origin", True),
        ("https://PI:10500", None, True),
        (None, "cross-site", False),
        (None, "same-site", False),
        ("http://pi", None, False),
        ("http://evil.example", None, False),
        ("null", None, False),
        ("file://pi:10500", None, False),
        ("", None, False),
        ("http://[", None, False),
    ],
)
def test_only_our_own_page_may_ask(origin: str | None, site: str | None, ours: bool) -> None:
    assert is_our_origin(origin, "pi:10500", site) is ours


def test_a_session_ends_and_cannot_be_forged() -> None:
    clock = Clock()
    sessions = Sessions(b"key", clock)
    cookie = sessions.new()
    assert sessions.is_open(cookie)
    assert Sessions(b"key", clock).is_open(cookie)
    assert not Sessions(b"new password", clock).is_open(cookie)
    later = f"{int(cookie.partition('.')[0]) + 1}.{cookie.partition('.')[2]}"
    for forged in (later, "", ".", "9" * 500, f"9999999999.{'0' * 64}", "x.é"):
        assert not sessions.is_open(forged)
    clock.now += SESSION_SECONDS
    assert not sessions.is_open(cookie)


def test_who_guesses_waits_longer_and_longer_and_others_do_not() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(FREE_FAILURES):
        assert guesses.wait_seconds("10.0.0.1") == 0.0
        guesses.failed("10.0.0.1")
    waits = []
    for _ in range(12):
        waits.append(guesses.wait_seconds("10.0.0.1"))
        clock.now += waits[-1]
        assert guesses.wait_seconds("10.0.0.1") == 0.0
        guesses.failed("10.0.0.1")
    assert waits[:3] == [5.0, 10.0, 20.0]
    assert waits[-1] == LONGEST_WAIT_SECONDS
    assert guesses.wait_seconds("10.0.0.2") == 0.0
    guesses.succeeded("10.0.0.1")
    assert guesses.wait_seconds("10.0.0.1") == 0.0


def test_many_addresses_together_wait_too_and_cost_little() -> None:
    guesses = Guesses(Clock())
    for number in range(3 * MOST_ADDRESSES):
        guesses.failed(f"2001:db8:{number:x}::1")
    assert guesses.wait_seconds("192.0.2.1") == LONGEST_WAIT_SECONDS
    assert len(guesses._failures) <= MOST_ADDRESSES


def test_one_network_of_ipv6_is_one_guesser() -> None:
    guesses = Guesses(Clock())
    for number in range(FREE_FAILURES + 1):
        guesses.failed(f"2001:db8::{number:x}")
    assert guesses.wait_seconds("2001:db8::ffff") > 0.0
    assert guesses.wait_seconds("2001:db8:0:1::1") == 0.0


def test_a_password_is_kept_as_scrypt(tmp_path: Path) -> None:
    made = hash_password("correct horse")
    expected = hashlib.scrypt(b"correct horse", salt=made.salt, n=2**14, r=8, p=1, dklen=32)
    assert made.digest == expected
    path = tmp_path / "password"
    path.write_text(made.line() + "\n")
    path.chmod(0o640)
    read = read_password_file(path)
    assert read == made
    assert read.fits("correct horse")
    assert not read.fits("correct horsf")
    assert not read.fits("x" * 10**6)
    assert hash_password("correct horse").salt != made.salt


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(SettingsError, match="characters"):
        hash_password(password)


def test_scrypt_is_there_where_run_spares_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "_hashlib", None)
    assert hash_password("correct horse").fits("correct horse")


LINE = PasswordHash(14, 8, 1, bytes(16), bytes(32)).line()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "correct horse",
        LINE.replace("scrypt", "md5"),
        LINE.replace("$14$", "$30$"),
        LINE.replace("$14$", "$1$"),
        LINE.replace("$8$", "$800000$"),
        LINE[:-8],
        "\udcff",
    ],
)
def test_a_file_that_holds_no_hash_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "password"
    path.write_bytes(content.encode(errors="surrogateescape"))
    path.chmod(0o600)
    with pytest.raises(SettingsError) as raised:
        read_password_file(path)
    assert "\n" not in str(raised.value)
    assert content.strip() == "" or content not in str(raised.value)


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o666])
def test_a_secret_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text("t" * 40)
    path.chmod(mode)
    with pytest.raises(SettingsError, match=f"mode {mode:o}.*chmod"):
        read_token_file(path)
    path.chmod(0o640)
    assert read_token_file(path) == "t" * 40


@pytest.mark.parametrize("token", ["short", "two words of enough length", "é" * 30])
def test_a_token_is_one_long_word(tmp_path: Path, token: str) -> None:
    path = tmp_path / "token"
    path.write_text(token)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="one word of at least 20"):
        read_token_file(path)
