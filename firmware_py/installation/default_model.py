"""The model that listens where the settings name no file."""

import logging
from collections.abc import Callable
from pathlib import Path

from firmware_py.artefact import DEFAULT_MODEL, Artefact, read_artefact
from firmware_py.errors import ArtefactError
from firmware_py.installation.signature import UntrustedError
from firmware_py.installation.slot import Slot

log = logging.getLogger(__name__)


def read_default_model(slot: Slot, read: Callable[[Path], Artefact]) -> Artefact:
    """Return the installed model of `slot`, else the one before it, else the built-in one.

    A file that the disk has damaged does not make the device deaf: the model before it listens.
    read: returns the artefact at a path; raises ArtefactError, and UntrustedError for a whole one
    that may not be used. Such a one gives way to the model before it, but not to the built-in one.
    """
    faults: list[ArtefactError] = []
    for path in slot.files():
        try:
            found = read(path)
            break
        except ArtefactError as error:
            faults.append(error)
    else:
        for fault in faults:
            if isinstance(fault, UntrustedError):
                raise fault
        found = read_artefact(DEFAULT_MODEL)
    for fault in faults:
        log.error("%s; using %s, until: trigger-word install MODEL", fault, found.path)
    return found
