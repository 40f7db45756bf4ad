"""What is to be done on a device: nothing, if it already is as asked."""

from dataclasses import dataclass

from board.bundle.debian_package import control_fields
from board.device import Kit
from board.device.content import Content, digest_of, size_of
from board.device.kit import FOLDER as DEVICE
from board.device.kit import SUGGESTED
from board.errors import BoardError
from board.provision.facts import ETC, Facts

SCRIPTS = ("upgrade.sh", "boot-config.sh")


@dataclass(frozen=True)
class ProvisionPlan:
    """Files for the device's stage, and the steps to take."""

    content: dict[str, Content]
    digests: dict[str, str]
    to_send: tuple[str, ...]
    to_remove: tuple[str, ...]
    steps: tuple[str, ...]
    """In words; empty: nothing is to be done."""


def make_plan(kit: Kit, facts: Facts) -> ProvisionPlan:
    """Compare a device with a kit; raises BoardError if the kit is not for it or does not fit."""
    manifest = kit.bundle.manifest
    if facts.architecture != manifest.architecture:
        raise BoardError(
            f"it is {facts.architecture}, the packages are for {manifest.architecture};"
            " install the 64-bit system"
        )
    content: dict[str, Content] = {**kit.files(), **{name: DEVICE / name for name in SCRIPTS}}
    if kit.audio:
        lines = "".join(f"{line}\n" for line in kit.audio.config_lines)
        content["files/config-lines"] = lines.encode()
    digests = {name: digest_of(each) for name, each in content.items()}
    to_send = tuple(name for name in content if facts.staged.get(name) != digests[name])
    return ProvisionPlan(
        content=content,
        digests=digests,
        to_send=to_send,
        to_remove=tuple(name for name in facts.staged if name not in content),
        steps=tuple(_steps(kit, facts, content, to_send)),
    )


def _steps(
    kit: Kit, facts: Facts, content: dict[str, Content], to_send: tuple[str, ...]
) -> list[str]:
    wanted = kit.bundle.manifest.version
    for_etc = {
        ETC[name]: digest_of(content)
        for name, content in kit.for_etc.items()
        if name != SUGGESTED or not facts.own_settings
    }
    stale = [path for path, digest in for_etc.items() if facts.etc.get(path) != digest]
    overlays = kit.audio.config_lines if kit.audio else facts.config_lines
    stale_config = facts.config_lines is not None and facts.config_lines != overlays
    if facts.version == wanted and not stale and not stale_config and facts.active:
        return []
    size = sum(map(size_of, (content[name] for name in to_send)))
    unpacked = int(control_fields(kit.bundle.package).get("Installed-Size", "0")) * 1024
    needed = 2 * size + unpacked
    if needed > facts.free_bytes:
        raise BoardError(
            f"{facts.free_bytes / 1e6:.0f} MB are free and {needed / 1e6:.0f} MB are needed;"
            " free space with: sudo apt-get clean"
        )
    steps = []
    if to_send:
        steps.append(f"copy {len(to_send)} files ({size / 1e6:.1f} MB)")
    if facts.version != wanted:
        steps.append(f"install version {wanted}" + (f" over {facts.version}" * bool(facts.version)))
    steps += [f"write {path}" for path in stale]
    steps += ["switch the audio hardware on in config.txt"] * stale_config
    steps.append("restart the service and wait until it is ready")
    if facts.version:
        steps.append(f"go back to version {facts.version} if it is not")
    return steps
