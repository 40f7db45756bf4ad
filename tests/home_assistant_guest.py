"""Home Assistant's core with its MQTT integration, run by an interpreter that has it installed.

Commands come as lines of JSON on stdin, [domain, service, data]; on stdout goes a line for each
state that is set, {"entity": ..., "state": ..., "attributes": ...}, and one for each of its
warnings, {"log": ...}.
"""

import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path

from homeassistant import bootstrap, config_entries, core, loader
from homeassistant.components.mqtt.const import CONFIG_ENTRY_VERSION


class Told(logging.Handler):
    """Tells of the MQTT integration's warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("homeassistant.components.mqtt"):
            tell(log=self.format(record))


def tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what, default=str) + "\n")
    sys.stdout.flush()


async def main(port: int, folder: str) -> None:
    (Path(folder) / "configuration.yaml").touch()
    hass = core.HomeAssistant(folder)
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.config.components |= {"http", "file_upload"}  # only its own dialogues need them
    hass.bus.async_listen("state_changed", changed)
    entry = config_entries.ConfigEntry(
        data={"broker": "127.0.0.1", "port": port, "discovery": True},
        discovery_keys={},
        domain="mqtt",
        minor_version=1,
        options={},
        source="user",
        subentries_data=None,
        title="broker",
        unique_id=None,
        version=CONFIG_ENTRY_VERSION,
    )
    hass.set_state(core.CoreState.running)
    await hass.config_entries.async_add(entry)
    tell(log=f"ready: {entry.state.value}")
    lines = asyncio.StreamReader()
    await hass.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        domain, service, data = json.loads(line)
        await hass.services.async_call(domain, service, data, blocking=True)
    await hass.async_stop(force=True)


@core.callback
def changed(event: core.Event) -> None:
    if state := event.data["new_state"]:
        tell(entity=state.entity_id, state=state.state, attributes=dict(state.attributes))


if __name__ == "__main__":
    logging.getLogger().addHandler(Told(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(int(sys.argv[1]), folder))
