"""Other settings and models: read while the old ones go on listening."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firmware_py.ensemble import Ensemble, Model, listening_rate_hz
from firmware_py.errors import SettingsError
from firmware_py.live.site_models import Site, with_sensitivity
from firmware_py.settings.state import StateFile
from firmware_py.sound.background_call import BackgroundCall


@dataclass(frozen=True)
class Prepared:
    """What it takes to go over to other settings or models."""

    as_set: Site
    site: Site
    """With what people chose while it ran."""
    ensemble: Ensemble | None
    """None: the models are the same."""


class Changeover:
    """The site in force, and the next one where it is wanted, read in another thread."""

    def __init__(self, site: Site, reread: Callable[[], Site], state: StateFile) -> None:
        """reread: returns the site anew. state: what people chose while it ran."""
        self.as_set = site
        """As the settings have it, without what people chose while it ran."""
        self.site = with_sensitivity(site, state.state.sensitivity)
        self._reread = reread
        self._state = state
        self._reload_wanted = False
        self._adapt_wanted = False
        self._reading: BackgroundCall[Prepared] | None = None

    def reload(self) -> None:
        """Ask for the settings and the models to be read again."""
        self._reload_wanted = True

    def adapt(self) -> None:
        """Ask for what people chose meanwhile."""
        self._adapt_wanted = True

    def advance(self, reloading: Callable[[], None]) -> BackgroundCall[Prepared] | None:
        """Begin to read where that is asked for; return what has been read.

        reloading: called before the settings are read again.
        """
        if self._reading:
            if self._reading.wait(0.0):
                reading, self._reading = self._reading, None
                return reading
        elif self._reload_wanted:
            self._reload_wanted = False
            reloading()
            self._reading = BackgroundCall(lambda: self._prepared(self._reread()))
        elif self._adapt_wanted:
            self._adapt_wanted = False
            self._reading = BackgroundCall(lambda: self._prepared(self.as_set))
        return None

    def accept(self, prepared: Prepared) -> bool:
        """Let another site be in force; return whether its settings were read again."""
        is_new = prepared.as_set is not self.as_set
        self.site, self.as_set = prepared.site, prepared.as_set
        return is_new

    def _prepared(self, as_set: Site) -> Prepared:
        site = with_sensitivity(as_set, self._state.state.sensitivity)
        if not site.settings.microphone.enabled:
            raise SettingsError("microphone.enabled has changed; restart the service for it")
        ensemble = None
        if _identities(site.models) != _identities(self.site.models):
            ensemble = Ensemble(site.models, listening_rate_hz(site.models))
        return Prepared(as_set, site, ensemble)


def _identities(models: Sequence[Model]) -> list[tuple[object, ...]]:
    return [(model.artefact.metadata, model.policy) for model in models]
