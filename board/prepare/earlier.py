"""What an earlier preparation left on a card."""

import json
import shlex

from board.prepare.boot_partition import BootPartition
from board.prepare.first_run import SCRIPT


def earlier_hash(card: BootPartition, user: str) -> str:
    """Return the password hash of `user` that is on the card, or nothing.

    A hash is salted by chance: with the old one, the same password makes the same card.
    """
    return _of_cloud_init(card.text("user-data"), user) or _of_first_run(card.text(SCRIPT), user)


def _of_cloud_init(text: str, user: str) -> str:
    _, _, body = text.partition("#cloud-config\n")
    try:
        users = json.loads(body).get("users", [])
    except ValueError:  # not written by us
        return ""
    return next((each.get("passwd", "") for each in users if each.get("name") == user), "")


def _of_first_run(script: str, user: str) -> str:
    marker = f"userconf {user} "
    line = next((line for line in script.splitlines() if marker in line), "")
    return shlex.split(line)[-1] if line else ""
