"""Put everything on the card that its first boot needs."""

import logging

from board.bundle import Release
from board.device import Kit
from board.device.content import Content, digest_of_all
from board.device.kit import FOLDER as DEVICE
from board.errors import BoardError
from board.prepare.boot_files import with_config_lines, with_parameters
from board.prepare.boot_partition import BootPartition
from board.prepare.cloud_init import seed_files, spent_files
from board.prepare.first_run import PARAMETERS, SCRIPT, first_run_script
from board.prepare.owner import Owner

log = logging.getLogger(__name__)

FOLDER = "trigger-word"
SCRIPTS = ("first-boot.sh", "set-up.sh", "trigger-word-first-boot.service")


def prepare_card(card: BootPartition, release: Release, owner: Owner, kit: Kit) -> None:
    """Write to the boot partition; all of it or nothing. Doing it twice is doing it once.

    Raises BoardError where the bundle is for another release or does not fit.
    """
    if kit.bundle.manifest.release != release:
        raise BoardError(
            f"{card} holds {release}, the bundle is for {kit.bundle.manifest.release};"
            f" make one with: python -m board bundle --release {release}"
        )
    inside: dict[str, Content] = {**kit.files(), **{name: DEVICE / name for name in SCRIPTS}}
    lines = kit.audio.config_lines if kit.audio else ()
    files = {"config.txt": with_config_lines(card.text("config.txt"), lines)}
    parameters = [f"cfg80211.ieee80211_regdom={owner.country}"] if owner.country else []
    gone: frozenset[str] = frozenset()
    configuration: dict[str, bytes] = {}
    if release == "trixie":
        configuration = seed_files(owner, digest_of_all(inside))
        inside |= {f"after/{name}": content for name, content in spent_files(owner).items()}
    else:
        configuration = {SCRIPT: first_run_script(owner)}
        parameters += PARAMETERS
        gone = frozenset({"custom.toml", "userconf.txt", "userconf"}) & card.names()
    # The command line comes last: it is what sets everything going.
    files["cmdline.txt"] = with_parameters(card.text("cmdline.txt"), parameters)
    encoded = {name: text.encode(errors="surrogateescape") for name, text in files.items()}
    command_line = {"cmdline.txt": encoded.pop("cmdline.txt")}
    log.info("%s: writing %d files", card, len(inside) + len(files) + len(configuration))
    card.change(FOLDER, inside, {**encoded, **configuration, **command_line}, gone)
    log.info(
        "%s: %s will install trigger-word %s at its first boot",
        card,
        owner.hostname,
        kit.bundle.manifest.version,
    )
