"""A device over SSH, by the system's own client: it honours ~/.ssh/config and its agents."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from board.errors import BoardError
from firmware_py.errors import MissingToolError
from firmware_py.reading.lines import last_line

CONNECTION_FAILED = 255
"""Exit code of ssh(1) when it is ssh itself that failed."""

OPTIONS = (
    "ConnectTimeout=15",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "StrictHostKeyChecking=accept-new",
    "NumberOfPasswordPrompts=1",
    "ControlMaster=auto",
    "ControlPersist=60",
    "LogLevel=ERROR",
)

CAUSES = {
    r"Permission denied": "the login was refused; check the user, add --ask-password, or install a"
    " key with: ssh-copy-id {target}",
    r"REMOTE HOST IDENTIFICATION|Host key verification failed": "its host key is another one than"
    " before; if the card was rewritten: ssh-keygen -R {host}",
    r"Could not resolve|Name or service not known": "there is no host {host}; check the name, or"
    " use its address",
    r"Connection refused": "it refuses SSH; switch SSH on, or check the port",
    r"timed out|No route to host|Network is unreachable": "it does not answer; is it switched on"
    " and in this network?",
}
"""What ssh says, and what a person is told."""


class UnreachableError(BoardError):
    """The device cannot be talked to; the message names the remedy."""


@dataclass(frozen=True)
class Target:
    """Where a device is, and its own settings if it has any."""

    address: str
    """user@host, or a name in ~/.ssh/config."""
    port: int | None = None
    settings: Path | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"([\w.-]+@)?[\w.:%-]+", self.address) or self.address[0] == "-":
            raise BoardError(f"{self.address!r} is not a target; write user@host")

    @property
    def host(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class CommandResult:
    """What a command on the device said."""

    code: int
    output: str
    errors: str


class Remote:
    """A connection that all commands share."""

    def __init__(
        self, target: Target, folder: Path, password: str = "", identity: Path | None = None
    ) -> None:
        """
        folder: private, for the connection's socket.
        password: for SSH and sudo; empty: keys only.
        """
        self.target = target
        self._password = password
        self._connected = False
        self._command = ["ssh", "-o", f"ControlPath={folder}/%C"]
        for option in (*OPTIONS, f"BatchMode={'no' if password else 'yes'}"):
            self._command += ["-o", option]
        if target.port:
            self._command += ["-p", str(target.port)]
        if identity:
            self._command += ["-i", str(identity), "-o", "IdentitiesOnly=yes"]
        self._environment = _askpass(folder, password) if password else None

    def run(self, command: str, stdin: bytes = b"") -> CommandResult:
        """Run a shell command; raises UnreachableError if the connection fails."""
        done = subprocess.run(
            [*self._command, "--", self.target.address, command],
            input=stdin,
            capture_output=True,
            env=self._environment,
            check=False,
        )
        return self._result(done.returncode, done.stdout, done.stderr)

    def run_as_root(self, command: str) -> CommandResult:
        """Run a shell command as root, by sudo unless the user is root."""
        quoted = shlex.quote(command)
        become = "sudo -S -p ''" if self._password else "sudo -n"
        line = f'if [ "$(id -u)" = 0 ]; then sh -c {quoted}; else {become} sh -c {quoted}; fi'
        stdin = f"{self._password}\n".encode() if self._password else b""
        result = self.run(line, stdin)
        if result.code and re.search(r"password is required|incorrect password", result.errors):
            raise UnreachableError(
                f"{self.target.address}: sudo wants a password; add --ask-password"
            )
        return result

    def send(self, folder: Path, names: Iterable[str], to: str) -> None:
        """Copy files below `folder` into the remote folder `to`; raises UnreachableError."""
        receive = f"mkdir -p {to} && tar -x -f - -C {to}"
        with tempfile.TemporaryFile() as errors:
            packer = subprocess.Popen(
                ["tar", "-c", "-h", "-f", "-", "-C", folder, "--", *names], stdout=subprocess.PIPE
            )
            with packer:
                done = subprocess.run(
                    [*self._command, "--", self.target.address, receive],
                    stdin=packer.stdout,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=self._environment,
                    check=False,
                )
            errors.seek(0)
            result = self._result(done.returncode, b"", errors.read())
        if result.code:
            full = (line for line in result.errors.splitlines() if "No space left" in line)
            last = next(full, None) or last_line(result.errors, f"exit code {result.code}")
            raise BoardError(
                f"{self.target.address}: the files could not be copied ({last});"
                " free space with: sudo apt-get clean"
            )

    def _result(self, code: int, output: bytes, errors: bytes) -> CommandResult:
        text = errors.decode(errors="replace")
        if code == CONNECTION_FAILED:
            raise UnreachableError(f"{self.target.address}: {self._cause(text)}")
        self._connected = True
        return CommandResult(code, output.decode(errors="replace"), text)

    def _cause(self, errors: str) -> str:
        for pattern, cause in CAUSES.items():
            if re.search(pattern, errors) and not self._connected:
                return cause.format(target=self.target.address, host=self.target.host)
        return "the connection was lost; the device goes on by itself, run the command again"

    def close(self) -> None:
        """Close the shared connection."""
        command = [*self._command, "-O", "exit", "--", self.target.address]
        subprocess.run(command, capture_output=True, check=False)


@contextlib.contextmanager
def connection(
    target: Target, password: str = "", identity: Path | None = None
) -> Iterator[Remote]:
    """Connect for as long as the block lasts."""
    if shutil.which("ssh") is None:
        raise MissingToolError("ssh is not installed; install the package openssh-client")
    # A socket's name must be short, so it does not lie below a long temporary folder.
    with tempfile.TemporaryDirectory(prefix="tw-", dir="/tmp") as folder:
        remote = Remote(target, Path(folder), password, identity)
        try:
            yield remote
        finally:
            remote.close()


def _askpass(folder: Path, password: str) -> dict[str, str]:
    """Return an environment in which ssh gets the password: from a file only we can read."""
    secret, program = folder / "secret", folder / "askpass"
    for path, text, mode in (
        (secret, f"{password}\n", 0o600),
        (program, f"#!/bin/sh\ncat {shlex.quote(str(secret))}\n", 0o700),
    ):
        path.touch(mode)
        path.write_text(text)
    return {**os.environ, "SSH_ASKPASS": str(program), "SSH_ASKPASS_REQUIRE": "force"}
