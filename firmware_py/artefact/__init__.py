"""The artefact: one .tflite file with a ZIP appended that holds metadata.json.

Interpreters ignore what follows the flatbuffer, and the standard `zipfile` reads it: the scheme
of the TensorFlow Lite metadata documentation.
"""

from firmware_py.artefact.file import (
    DEFAULT_MODEL,
    Artefact,
    choose_policy,
    pack_artefact,
    parse_artefact,
    read_artefact,
)
from firmware_py.artefact.metadata import (
    FIRST_SCHEMA_VERSION,
    SCHEMA_VERSION,
    Metadata,
    Mode,
    Policy,
    StateTensor,
    StepNetwork,
    StepTensors,
    Verifier,
)

__all__ = [
    "DEFAULT_MODEL",
    "FIRST_SCHEMA_VERSION",
    "SCHEMA_VERSION",
    "Artefact",
    "Metadata",
    "Mode",
    "Policy",
    "StateTensor",
    "StepNetwork",
    "StepTensors",
    "Verifier",
    "choose_policy",
    "pack_artefact",
    "parse_artefact",
    "read_artefact",
]
