"""Home Assistant's core with its Wyoming integration, run by an interpreter that has it installed.

Arguments: the port of a service, a file of raw samples (16 kHz, 16 bits, mono) and how often it is
said. It finds the service as a person does who types its address, chooses the first word in the
entity, and lets it hear the sound again and again. On stdout goes one JSON object: the words that
the service offers, and what was detected each time.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from homeassistant import bootstrap, runner
from homeassistant.components import wake_word
from homeassistant.helpers import entity_registry

CONFIGURATION = """
http:
  server_host: 127.0.0.1
  server_port: 18123
wyoming:
"""
PIECE_BYTES = 1024


async def main(port: int, sound: bytes, times: int, folder: str) -> None:
    (Path(folder) / "configuration.yaml").write_text(CONFIGURATION)
    hass = await bootstrap.async_setup_hass(runner.RuntimeConfig(folder, skip_pip=True))
    assert hass
    flow = await hass.config_entries.flow.async_init(
        "wyoming", context={"source": "user"}, data={"host": "127.0.0.1", "port": port}
    )
    await hass.async_block_till_done()
    entry = flow["result"]
    entities = entity_registry.async_entries_for_config_entry(
        entity_registry.async_get(hass), entry.entry_id
    )
    entity = wake_word.async_get_wake_word_detection_entity(hass, entities[0].entity_id)
    words = await entity.get_supported_wake_words()
    heard = []
    for _ in range(times):
        found = await entity.async_process_audio_stream(pieces(sound), words[0].id)
        heard.append(found and [found.wake_word_id, found.wake_word_phrase])
    sys.stdout.write(json.dumps({"words": [word.name for word in words], "heard": heard}) + "\n")
    await hass.async_stop(force=True)


async def pieces(sound: bytes) -> AsyncIterator[tuple[bytes, int]]:
    for start in range(0, len(sound), PIECE_BYTES):
        milliseconds = start // 32
        yield sound[start : start + PIECE_BYTES], milliseconds
        await asyncio.sleep(PIECE_BYTES / 32000)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        sound = Path(sys.argv[2]).read_bytes()
        asyncio.run(main(int(sys.argv[1]), sound, int(sys.argv[3]), folder))
