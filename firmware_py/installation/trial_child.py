"""The process that tries a model out: it holds nothing that is worth having."""

import sys
from pathlib import Path

from firmware_py.artefact import parse_artefact
from firmware_py.errors import TriggerWordError
from firmware_py.installation.confinement import REFUSED, confine
from firmware_py.installation.trial import try_out
from firmware_py.interpreter import load_runtime


def main(path: Path) -> None:
    """Try the model on the standard input; what is wrong with it goes to the standard output."""
    content = sys.stdin.buffer.read()
    try:
        artefact = parse_artefact(content, path)
        load_runtime()
        confine()
        try_out(artefact)
    except TriggerWordError as error:
        print(error)  # noqa: T201 - for the parent
        sys.exit(REFUSED)
