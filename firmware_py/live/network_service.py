"""The Wyoming service of a site, opened where the settings want one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from firmware_py.ensemble import Model
from firmware_py.live.extras import extra
from firmware_py.settings.outputs import WyomingSettings

if TYPE_CHECKING:
    from firmware_py.wake_service.service import WyomingService


class NetworkService:
    """Opens, changes and closes the service; without settings for it there is none."""

    def __init__(self, settings: WyomingSettings | None, models: Sequence[Model]) -> None:
        """Raises MissingToolError."""
        self._service: WyomingService | None = None
        self._wanted: object = None
        self._earlier: Counter[str] = Counter()
        self.change(settings, models)

    @property
    def is_wanted(self) -> bool:
        return self._service is not None

    @property
    def is_serving(self) -> bool:
        return self._service is not None and self._service.is_serving

    @property
    def clients(self) -> int:
        return self._service.clients if self._service else 0

    @property
    def detections(self) -> Mapping[str, int]:
        """What clients' streams held, by word, since the start."""
        return self._earlier + (self._service.detections if self._service else Counter())

    @property
    def num_detections(self) -> int:
        return sum(self.detections.values())

    def change(self, settings: WyomingSettings | None, models: Sequence[Model]) -> None:
        """Go over to other settings or models; one that stays the same is not touched."""
        wanted = settings and (settings, [_identity(model) for model in models])
        if wanted == self._wanted:
            return
        self.close()
        self._service = _open(settings, models) if settings else None
        self._wanted = wanted

    def close(self) -> None:
        """Hang up."""
        if self._service:
            self._service.close()
            self._earlier += self._service.detections
        self._service = self._wanted = None


def _identity(model: Model) -> tuple[object, ...]:
    return (model.artefact.metadata.digest, model.policy)


def _open(settings: WyomingSettings, models: Sequence[Model]) -> "WyomingService":
    with extra("wyoming"):
        from firmware_py.wake_service.service import WyomingService
        from firmware_py.wake_service.words import offered, spotter_for, words_of
    words = words_of(models)
    return WyomingService(settings, offered(words), spotter_for(words))
