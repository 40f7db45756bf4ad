"""What a site decides: one TOML file as frozen dataclasses."""

from firmware_py.settings.site import (
    ClipSettings,
    MicrophoneSettings,
    ModelSettings,
    ServiceSettings,
    Settings,
    SignatureSettings,
    read_settings,
)

__all__ = [
    "ClipSettings",
    "MicrophoneSettings",
    "ModelSettings",
    "ServiceSettings",
    "Settings",
    "SignatureSettings",
    "read_settings",
]
