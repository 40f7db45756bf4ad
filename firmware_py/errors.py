"""Everything that can go wrong, by kind.

Each message is one line for a person: what is wrong, the offending value, the remedy.
"""

from typing import ClassVar


class TriggerWordError(Exception):
    """Base of all errors that this project raises on purpose."""

    exit_code: ClassVar[int] = 2
    """Of a command that it ends: bad usage or bad input."""


class AudioError(TriggerWordError, ValueError):
    """A recording or a stream of samples cannot be used."""


class ArtefactError(TriggerWordError, ValueError):
    """A model file is missing, damaged or contradicts its metadata."""


class SettingsError(TriggerWordError, ValueError):
    """A value that a person set is unknown or out of range."""


class MissingToolError(TriggerWordError, RuntimeError):
    """A program or package that this step needs is not installed."""


class DeviceError(TriggerWordError, OSError):
    """A device is absent, busy, or went away."""

    exit_code = 75  # the service manager should start us again (EX_TEMPFAIL of sysexits.h)
