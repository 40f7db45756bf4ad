"""The models that the settings of a site name, with the policies that it chose."""

from collections.abc import Sequence

from firmware_py.artefact import DEFAULT_MODEL, choose_policy, read_artefact
from firmware_py.detector import refuse_clip_level
from firmware_py.ensemble import Model
from firmware_py.errors import SettingsError
from firmware_py.settings import ModelSettings, Settings


def open_models(settings: Settings) -> list[Model]:
    """Return the models; raises ArtefactError, and SettingsError for labels that none has."""
    models = [open_model(each) for each in settings.model]
    _check_labels(settings, models)
    return models


def open_model(settings: ModelSettings) -> Model:
    """Return one model with its policy."""
    artefact = read_artefact(settings.path or DEFAULT_MODEL)
    refuse_clip_level(artefact)
    policy = choose_policy(artefact, settings.operating_point or None, settings.threshold)
    if settings.refractory_seconds is not None:
        step_seconds = artefact.metadata.step_seconds
        policy = policy.with_refractory(settings.refractory_seconds, step_seconds)
    return Model(artefact, policy)


def all_labels(models: Sequence[Model]) -> list[str]:
    """Return what can be detected, each label once."""
    labels = [label for model in models for label in model.artefact.metadata.words]
    return list(dict.fromkeys(labels))


def _check_labels(settings: Settings, models: Sequence[Model]) -> None:
    known = all_labels(models)
    chosen = {
        "chime": settings.chime.labels,
        **{f"gpio {each.line}": each.labels for each in settings.gpio},
        **{f"command {each.program[0]}": each.labels for each in settings.command},
        **{f"webhook {each.url}": each.labels for each in settings.webhook},
    }
    for where, labels in chosen.items():
        for label in labels:
            if label not in known:
                raise SettingsError(
                    f"{where}: no model has the label {label!r}; there is {', '.join(known)}"
                )
