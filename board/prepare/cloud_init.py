"""Trixie: cloud-init reads user-data, network-config and meta-data from the boot partition.

The files are JSON, which is YAML too: no quoting can go wrong. What they hold follows what
Raspberry Pi's own Imager writes.
"""

import hashlib
import json
from typing import Any

from board.prepare.owner import Owner, Wifi

GROUPS = "users,adm,dialout,audio,netdev,video,plugdev,cdrom,games,input,gpio,spi,i2c,render,sudo"
"""As https://github.com/raspberrypi/rpi-imager gives the first user."""

SET_UP = "sh /boot/firmware/trigger-word/set-up.sh"


def seed_files(owner: Owner, kit_digest: str) -> dict[str, bytes]:
    """Return the three files that configure the system at first boot.

    kit_digest: of all that is to be installed.
    """
    user_data = _yaml("#cloud-config\n", _user_data(owner))
    network = _yaml("", _network(owner.wifi, owner.country))
    # cloud-init works anew when the id is new: as it should when a used card was prepared again.
    instance = hashlib.sha256(user_data + network + kit_digest.encode()).hexdigest()[:16]
    meta_data = {"dsmode": "local", "instance-id": f"trigger-word-{instance}"}
    return {"user-data": user_data, "network-config": network, "meta-data": _yaml("", meta_data)}


def spent_files(owner: Owner) -> dict[str, bytes]:
    """Return what is left of them after the first boot: nothing that is secret."""
    kept = {"hostname", "manage_etc_hosts", "preserve_hostname"}
    user_data = {key: value for key, value in _user_data(owner).items() if key in kept}
    header = "#cloud-config\n# The first boot has applied the rest, and removed it from here.\n"
    return {
        "user-data": _yaml(header, user_data),
        "network-config": _yaml("# Applied; see /etc/netplan.\n", _network(None, "")),
    }


def _user_data(owner: Owner) -> dict[str, Any]:
    user: dict[str, Any] = {
        "name": owner.user,
        "groups": GROUPS,
        "shell": "/bin/bash",
        "lock_passwd": not owner.password_hash,
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
    }
    if owner.password_hash:
        user["passwd"] = owner.password_hash
    if owner.ssh_keys:
        user["ssh_authorized_keys"] = list(owner.ssh_keys)
    data: dict[str, Any] = {
        "hostname": owner.hostname,
        "manage_etc_hosts": True,
        "manage_resolv_conf": False,
        "apt": {"preserve_sources_list": True},
        "users": [user],
        "ssh_pwauth": owner.ssh_password,
    }
    if owner.locale:
        data["locale"] = owner.locale
    if owner.timezone:
        data["timezone"] = owner.timezone
    if owner.keymap:
        data["keyboard"] = {"model": "pc105", "layout": owner.keymap}
    enable_ssh = [["systemctl", "enable", "--now", "ssh"]] if owner.ssh else []
    return {**data, "runcmd": [*enable_ssh, SET_UP]}


def _network(wifi: Wifi | None, country: str) -> dict[str, Any]:
    network: dict[str, Any] = {
        "version": 2,
        "ethernets": {"eth0": {"dhcp4": True, "dhcp6": True, "optional": True}},
    }
    if wifi:
        network["wifis"] = {
            "wlan0": {
                "dhcp4": True,
                "optional": True,
                "regulatory-domain": country,
                "access-points": {wifi.ssid: _access_point(wifi)},
            }
        }
    return {"network": network}


def _access_point(wifi: Wifi) -> dict[str, Any]:
    point: dict[str, Any] = {"hidden": True} if wifi.hidden else {}
    if wifi.derived:
        point["password"] = wifi.key
    elif wifi.key:
        point["auth"] = {"key-management": "sae", "password": wifi.key}
    return point


def _yaml(header: str, content: dict[str, Any]) -> bytes:
    return f"{header}{json.dumps(content, indent=1, ensure_ascii=False)}\n".encode()
