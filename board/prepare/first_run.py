"""Bookworm: a script on the boot partition that systemd runs instead of the first normal boot.

This is how Raspberry Pi's own Imager configures Bookworm. The steps call the programs that the
system has for them (imager_custom, userconf, raspi-config).
"""

import shlex
import uuid
from collections.abc import Iterator

from board.prepare.owner import Owner, Wifi

SCRIPT = "firstrun.sh"
PARAMETERS = (
    f"systemd.run=/boot/firmware/{SCRIPT}",
    "systemd.run_success_action=reboot",
    "systemd.unit=kernel-command-line.target",
)

NETWORK_FILE = "/etc/NetworkManager/system-connections/trigger-word.nmconnection"

HEAD = """\
#!/bin/sh
# Configures the system once, before its first normal boot. Written by `python -m board prepare`.
set -u
log=/boot/firmware/trigger-word/first-run.log
custom=/usr/lib/raspberrypi-sys-mods/imager_custom
step() {
    what=$1
    shift
    if "$@" >/run/first-run.out 2>&1; then
        echo "$what: done" >>"$log"
    else
        echo "$what: FAILED ($(tail -n 1 /run/first-run.out))" >>"$log"
    fi
}
write_secret() {
    mkdir -p "$(dirname "$1")" && (umask 077 && cat >"$1")
}
"""

TAIL = """\
step "installation at the next boot" sh /boot/firmware/trigger-word/set-up.sh
rm -f /boot/firmware/firstrun.sh
sed -i 's| systemd\\.[^ ]*||g' /boot/firmware/cmdline.txt
sync
exit 0
"""


def first_run_script(owner: Owner) -> bytes:
    """Return firstrun.sh."""
    return "".join([HEAD, *(f"{line}\n" for line in _steps(owner)), TAIL]).encode()


def _steps(owner: Owner) -> Iterator[str]:
    quote = shlex.quote
    yield f'step "host name" "$custom" set_hostname {quote(owner.hostname)}'
    if owner.ssh:
        method = "-p" if owner.ssh_password else "-k"
        keys = " ".join(map(quote, owner.ssh_keys))
        yield f'step "SSH" "$custom" enable_ssh {method} {keys}'.rstrip()
    hashed = quote(owner.password_hash or "!")
    yield "# shellcheck disable=SC2016  # a hash holds dollar signs"
    yield f'step "user" /usr/lib/userconf-pi/userconf {quote(owner.user)} {hashed}'
    for what, function, value in (
        ("locale", "raspi-config nonint do_change_locale", owner.locale),
        ("time zone", '"$custom" set_timezone', owner.timezone),
        ("keyboard", '"$custom" set_keymap', owner.keymap),
        ("radio's country", "raspi-config nonint do_wifi_country", owner.country),
    ):
        if value:
            yield f'step "{what}" {function} {quote(value)}'
    if owner.wifi:
        yield f"write_secret {NETWORK_FILE} <<'END_OF_NETWORK'"
        yield network_file(owner.wifi) + "END_OF_NETWORK"


def network_file(wifi: Wifi) -> str:
    """Return a connection of NetworkManager; the SSID as bytes, which need no quoting."""
    ssid = "".join(f"{byte};" for byte in wifi.ssid.encode())
    lines = [
        "[connection]",
        "id=trigger-word",
        f"uuid={uuid.uuid5(uuid.NAMESPACE_DNS, wifi.ssid)}",
        "type=wifi",
        "[wifi]",
        "mode=infrastructure",
        f"ssid={ssid}",
        f"hidden={str(wifi.hidden).lower()}",
    ]
    if wifi.key:
        escaped = wifi.key.replace("\\", "\\\\")
        management = "wpa-psk" if wifi.derived else "sae"
        lines += ["[wifi-security]", f"key-mgmt={management}", f"psk={escaped}"]
    lines += ["[ipv4]", "method=auto", "[ipv6]", "addr-gen-mode=default", "method=auto"]
    return "\n".join([*lines, ""])
