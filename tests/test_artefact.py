"""Artefacts: what is written is read back, and every damage is one clear line."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from firmware_py.artefact import pack_artefact, read_artefact
from firmware_py.errors import ArtefactError
from firmware_py.interpreter import NetworkStream
from firmware_py.reading.model_file import METADATA_NAME

BEEP = Path(__file__).parent / "data" / "beep.tflite"


def repack(path, target, change):
    """Write the artefact `path` to `target` with its metadata changed, digest kept."""
    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        metadata = json.loads(archive.read(METADATA_NAME))
        flatbuffer = content[: min(info.header_offset for info in archive.infolist())]
    change(metadata)
    buffer = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(METADATA_NAME, json.dumps(metadata))
    target.write_bytes(buffer.getvalue())
    return target


def test_packing_what_was_read_gives_the_same_bytes():
    artefact = read_artefact(BEEP)
    assert pack_artefact(artefact.flatbuffer, artefact.metadata) == BEEP.read_bytes()


def test_labels_are_readable_with_a_plain_unzip():
    with zipfile.ZipFile(BEEP) as archive:
        labels = archive.read("labels.txt").decode().split()
    assert labels == list(read_artefact(BEEP).metadata.labels)


def damage_flatbuffer(path, target):
    content = bytearray(path.read_bytes())
    content[1000] ^= 0xFF
    target.write_bytes(content)


def cut_zip(path, target):
    target.write_bytes(read_artefact(path).flatbuffer)


def change(path_of_key, value):
    def apply(path, target):
        def edit(metadata):
            table = metadata
            for key in path_of_key[:-1]:
                table = table[key]
            table[path_of_key[-1]] = value

        repack(path, target, edit)

    return apply


def remove(key):
    return lambda path, target: repack(path, target, lambda metadata: metadata.pop(key))


DAMAGES = {
    "no metadata": (cut_zip, "no metadata.json"),
    "wrong digest": (damage_flatbuffer, "digest"),
    "future schema": (change(["schema_version"], 99), "schema 99"),
    "no schema": (remove("schema_version"), "schema_version"),
    "missing labels": (remove("labels"), "labels"),
    "unknown key": (change(["labls"], []), "did you mean 'labels'"),
    "wrong type": (change(["network", "stride"], "four"), "network.stride"),
    "not a model": (lambda path, target: target.write_text("hello"), "not a TensorFlow Lite model"),
    "truncated": (
        lambda path, target: target.write_bytes(path.read_bytes()[:-300]),
        "no metadata.json",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_artefacts_are_refused_with_the_remedy(tmp_path, kind):
    damage, expected = DAMAGES[kind]
    target = tmp_path / "damaged.tflite"
    damage(BEEP, target)
    with pytest.raises(ArtefactError, match=expected) as caught:
        read_artefact(target)
    assert "damaged.tflite" in str(caught.value)
    assert "\n" not in str(caught.value)


TENSOR_FAULTS = {
    "name": (change(["network", "tensors", "frames"], "nothing"), "no tensor 'nothing'"),
    "shape": (change(["network", "steps_per_call"], 7), "not float32"),
    "labels": (change(["labels"], ["beep", "boop"]), "not float32"),
    "states": (
        change(["network", "tensors", "states"], [{"input": "a", "output": "b", "shape": [1, 4]}]),
        "no tensor 'a'",
    ),
}


@pytest.mark.parametrize("kind", TENSOR_FAULTS)
def test_tensors_that_do_not_match_the_metadata_are_refused(tmp_path, kind):
    fault, expected = TENSOR_FAULTS[kind]
    target = tmp_path / "other.tflite"
    fault(BEEP, target)
    with pytest.raises(ArtefactError, match=expected):
        NetworkStream(read_artefact(target))
