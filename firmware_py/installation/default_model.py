"""The model that listens where the settings name no file."""

import logging
from collections.abc import Callable
from pathlib import Path

from firmware_py.artefact import DEFAULT_MODEL, Artefact, read_artefact
from firmware_py.errors import ArtefactError
from firmware_py.installation.slot import Slot

log = logging.getLogger(__name__)


def read_default_model(slot: Slot, check: Callable[[Path], None]) -> Artefact:
    """Return the installed model of `slot`, else the built-in one.

    A file that the disk has damaged does not make the device deaf: the model before it listens.
    check: raises for a file that may not be used at all.
    """
    for path in slot.files():
        try:
            artefact = read_artefact(path)
        except ArtefactError as error:
            log.error("%s; using the model before it, until: trigger-word install MODEL", error)
            continue
        check(path)
        return artefact
    return read_artefact(DEFAULT_MODEL)
