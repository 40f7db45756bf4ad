"""Settings of PulseAudio's client library, which PortAudio loads where that sound server runs."""

import os
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "PULSE_CLIENTCONFIG"
SETTINGS = Path(__file__).parent.parent / "data" / "pulse-client.conf"
OWN_SETTINGS = Path(".config/pulse/client.conf")
"""Below the home folder; the library would no longer read it."""


def use_no_shared_memory(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let the library send samples through its socket, unless somebody has settings of their own.

    When the server dies, a thread of PortAudio and the library's may wait for each other for ever
    over a block of shared memory. Must be called before the library is loaded.
    """
    home = environment.get("HOME", "")
    if VARIABLE not in environment and not (home and Path(home, OWN_SETTINGS).exists()):
        environment[VARIABLE] = str(SETTINGS)
