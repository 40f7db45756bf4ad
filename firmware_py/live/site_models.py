"""The models that the settings of a site name, with the policies that it chose."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from firmware_py.artefact import Artefact, Policy, choose_policy, parse_artefact
from firmware_py.detector import refuse_clip_level
from firmware_py.ensemble import Model
from firmware_py.errors import SettingsError
from firmware_py.installation.default_model import read_default_model
from firmware_py.installation.library import find_model
from firmware_py.installation.signature import read_trusted
from firmware_py.installation.slot import Slot
from firmware_py.monitor.sensitivity import policy_at
from firmware_py.reading.model_file import read_model_file
from firmware_py.settings import ModelSettings, Settings, SignatureSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Site:
    """Settings, and the models that they name."""

    settings: Settings
    models: Sequence[Model]


def with_sensitivity(site: Site, chosen: Mapping[str, str]) -> Site:
    """Return the site with other operating points, by the models' names.

    A point that a model does not have, as after an upgrade, is said in the log and left out.
    """
    pairs = zip(site.settings.model, site.models, strict=True)
    models = [_at_point(model, chosen.get(model.name), each) for each, model in pairs]
    return replace(site, models=models)


def _at_point(model: Model, point: str | None, settings: ModelSettings) -> Model:
    if point is None:
        return model
    try:
        policy = policy_at(model.artefact.metadata, point)
    except SettingsError as error:
        log.warning("%s; the settings count", error)
        return model
    return replace(model, policy=_with_refractory(policy, settings, model.artefact))


def open_models(settings: Settings) -> list[Model]:
    """Return the models; raises ArtefactError, and SettingsError for labels that none has."""
    models = [open_with_policy(each, settings.signature) for each in settings.model]
    _check_labels(settings, models)
    return models


def open_with_policy(settings: ModelSettings, signature: SignatureSettings | None = None) -> Model:
    """Return one model with its policy; signature: what a model must have to be used."""
    artefact = _read(settings.path, signature)
    refuse_clip_level(artefact)
    policy = choose_policy(artefact, settings.operating_point or None, settings.threshold)
    return Model(artefact, _with_refractory(policy, settings, artefact))


def _with_refractory(policy: Policy, settings: ModelSettings, artefact: Artefact) -> Policy:
    if settings.refractory_seconds is None:
        return policy
    return policy.with_refractory(settings.refractory_seconds, artefact.metadata.step_seconds)


def _read(path: str, signature: SignatureSettings | None) -> Artefact:
    """Return the artefact at `path`, or the default one; the built-in one needs no signature."""

    def read(file: Path) -> Artefact:
        content = read_model_file(file)
        if not signature:
            return parse_artefact(content, file)
        return read_trusted(content, file, signature.public_keys, signature.least_version)

    return read(find_model(path)) if path else read_default_model(Slot(), read)


def all_labels(models: Sequence[Model]) -> list[str]:
    """Return what can be detected, each label once."""
    labels = [label for model in models for label in model.artefact.metadata.words]
    return list(dict.fromkeys(labels))


def _check_labels(settings: Settings, models: Sequence[Model]) -> None:
    known = all_labels(models)
    chosen = [
        ("chime", settings.chime.labels),
        *((f"gpio {each.line}", each.labels) for each in settings.gpio),
        *((f"command {each.program[0]}", each.labels) for each in settings.command),
        *((f"webhook {each.address}", each.labels) for each in settings.webhook),
    ]
    for where, labels in chosen:
        for label in labels:
            if label not in known:
                raise SettingsError(
                    f"{where}: no model has the label {label!r}; there is {', '.join(known)}"
                )
