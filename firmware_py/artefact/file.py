"""The file of an artefact: read, checked and written."""

import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from firmware_py.artefact.digest import sha256
from firmware_py.artefact.metadata import FIRST_SCHEMA_VERSION, SCHEMA_VERSION, Metadata, Policy
from firmware_py.errors import ArtefactError, SettingsError
from firmware_py.flatbuffer_check import MOST_MULTIPLICATIONS, check_flatbuffer
from firmware_py.reading.bounds import check_texts, shown_value
from firmware_py.reading.files import refused_as, shown
from firmware_py.reading.model_file import (
    METADATA_NAME,
    REMEDY,
    VERIFIER_NAME,
    ModelFile,
    read_model_file,
    take_apart,
)
from firmware_py.schema import from_mapping, to_mapping

DEFAULT_MODEL = Path(__file__).parents[1] / "data" / "activate.tflite"


@dataclass(frozen=True)
class Artefact:
    """A model file whose digest and metadata have been checked."""

    path: Path
    metadata: Metadata
    flatbuffer: bytes = field(repr=False)
    verifier: bytes | None = field(default=None, repr=False)
    """The second stage's flatbuffer."""

    def repacked(self, metadata: Metadata) -> bytes:
        """Return the file content with other metadata and the same networks."""
        return pack_artefact(self.flatbuffer, metadata, self.verifier)


def read_artefact(path: Path | str) -> Artefact:
    """Return the checked artefact at `path`; raises ArtefactError with the remedy."""
    return parse_artefact(read_model_file(path), Path(path))


def parse_artefact(content: bytes, path: Path) -> Artefact:
    """Return the checked artefact in `content`, the bytes of the file `path`."""
    file = take_apart(content, path)
    metadata = _metadata(file)
    _check_network(path, file.flatbuffer, metadata.sha256)
    if not metadata.verifier:
        return Artefact(path, metadata, file.flatbuffer)
    verifier = file.entries.get(VERIFIER_NAME)
    if verifier is None:
        raise ArtefactError(f"{path}: the model has no {VERIFIER_NAME}, but a verifier; {REMEDY}")
    cost = _check_network(path, verifier, metadata.verifier.sha256)
    cost *= metadata.most_verifier_calls
    if cost > MOST_MULTIPLICATIONS:
        raise ArtefactError(
            f"{path}: the second stage may take {cost / 1e9:.0f} billion multiplications a call;"
            f" {REMEDY}, with more steps from look to look"
        )
    return Artefact(path, metadata, file.flatbuffer, verifier)


def _metadata(file: ModelFile) -> Metadata:
    """Return what metadata.json says, within bounds."""
    path = shown(file.path)
    with refused_as(ArtefactError, f"{path}: {METADATA_NAME} is not JSON that can be read"):
        mapping = json.loads(file.entries[METADATA_NAME], parse_constant=_no_constant)
        version = mapping.get("schema_version") if isinstance(mapping, dict) else None
        if not isinstance(version, int):
            raise ArtefactError(f"{path}: {METADATA_NAME} has no schema_version; {REMEDY}")
        if version > SCHEMA_VERSION:
            raise ArtefactError(
                f"{path}: metadata has schema {shown_value(version)}, this version reads up to"
                f" {SCHEMA_VERSION}; upgrade trigger-word or convert the model again"
            )
        try:
            check_texts(mapping, METADATA_NAME)
            return from_mapping(Metadata, mapping, METADATA_NAME)
        except SettingsError as error:
            raise ArtefactError(f"{path}: {error}; {REMEDY}") from error


def _no_constant(name: str) -> float:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is not a number")


def choose_policy(artefact: Artefact, name: str | None, threshold: float | None) -> Policy:
    """Return the artefact's policy, or its operating point `name`, with `threshold` put in."""
    policy = artefact.metadata.trigger
    if name is not None:
        points = artefact.metadata.operating_points
        if name not in points:
            known = ", ".join(points) or "none"
            raise SettingsError(f"{artefact.path} has no operating point {name!r}; known: {known}")
        policy = points[name]
    return policy if threshold is None else replace(policy, threshold=threshold)


def pack_artefact(flatbuffer: bytes, metadata: Metadata, verifier: bytes | None = None) -> bytes:
    """Return the file content: the flatbuffer and a ZIP with its metadata and labels.

    verifier: the second stage's flatbuffer, where the metadata describe one.
    Digests and schema version are set here. The same inputs give the same bytes.
    """
    metadata = replace(
        metadata, schema_version=FIRST_SCHEMA_VERSION, sha256=sha256(flatbuffer).hexdigest()
    )
    if metadata.verifier and verifier:
        described = replace(metadata.verifier, sha256=sha256(verifier).hexdigest())
        metadata = replace(metadata, schema_version=SCHEMA_VERSION, verifier=described)
    elif metadata.verifier or verifier:
        raise ValueError("the metadata of a verifier and its flatbuffer belong together")
    text = json.dumps(to_mapping(metadata), indent=1, ensure_ascii=False)
    buffer = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(METADATA_NAME), text)
        archive.writestr(zipfile.ZipInfo("labels.txt"), "\n".join(metadata.labels) + "\n")
        if verifier:
            archive.writestr(zipfile.ZipInfo(VERIFIER_NAME), verifier)
    return buffer.getvalue()


def _check_network(path: Path, flatbuffer: bytes, expected: str) -> int:
    """Return a network's multiplications a call.

    Refuses a flatbuffer with another digest, or one that no interpreter should see.
    """
    digest = sha256(flatbuffer).hexdigest()
    if digest != expected:
        raise ArtefactError(
            f"{path}: digest {digest[:12]}... is not the {expected[:12]}... of its"
            f" metadata; the file is damaged, copy it again or {REMEDY}"
        )
    try:
        return check_flatbuffer(flatbuffer)
    except ArtefactError as error:
        raise ArtefactError(f"{path}: {error}; {REMEDY}") from error
