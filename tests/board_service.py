"""A small package with a real service, in place of the real one: it tells systemd when it is ready.

Versions differ in how they behave: `ready`, `silent` (never ready) or `unconfigurable`.
"""

from pathlib import Path

from board_bundles import make_package

UNIT = """\
[Unit]
Description=Listens in tests

[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/trigger-word
TimeoutStartSec=infinity
Restart=always

[Install]
WantedBy=multi-user.target
"""
LISTENING = "#!/bin/sh\necho version {version}\n{notify}\nexec sleep infinity\n"
POSTINST = """\
#!/bin/sh
set -e
{fault}
deb-systemd-helper enable trigger-word.service >/dev/null || true
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl --no-block restart trigger-word.service
fi
"""
SETTINGS = "# version {version}\n"


def service_package(
    folder: Path, version: str, behaviour: str = "ready", depends: str = ""
) -> Path:
    silent = "echo 'no microphone found; plug one in'"
    notify = silent if behaviour == "silent" else "systemd-notify --ready"
    fault = "exit 1" if behaviour == "unconfigurable" else ""
    return make_package(
        folder,
        version,
        architecture="amd64",
        depends=depends,
        files={
            "usr/bin/trigger-word": LISTENING.format(version=version, notify=notify),
            "lib/systemd/system/trigger-word.service": UNIT,
            "etc/trigger-word.toml": SETTINGS.format(version=version),
        },
        scripts={"postinst": POSTINST.format(fault=fault)},
        conffiles="/etc/trigger-word.toml\n",
    )
