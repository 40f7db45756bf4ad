"""How training clips of trigger words are made: the settings."""

from dataclasses import dataclass
from typing import Literal

from firmware_py.errors import SettingsError

Range = tuple[float, float]


@dataclass(frozen=True)
class Source:
    """A folder of recordings and the part it plays."""

    role: Literal["positive", "negative", "background", "room", "microphone"]
    """room, microphone: impulse responses, which shape speech instead of being heard."""
    path: str
    """Folder, looked for under each --data folder."""
    label: str = ""
    """The label that a positive teaches; empty: the model's first."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths in the folder left out, such as "flite_*" to keep an engine for tests."""
    include: tuple[str, ...] = ()
    """Patterns of paths in the folder taken; empty: all."""
    share: float = 1.0
    """How often this source is drawn, against the others of its role."""
    excerpt_seconds: Range | None = None
    """Take a random stretch of this length instead of the whole recording."""
    real: bool = False
    """Real people, not synthetic voices: reported apart."""
    fold: int | None = None
    """All its recordings count as of this tenth, whatever their names; None: as named."""
    on_bad: Literal["refuse", "skip"] = "refuse"
    """What to do about an unreadable, silent or empty file: stop, or name it and go on."""


@dataclass(frozen=True)
class Augmentation:
    """What happens to a clip between the mouth and the converter. Ranges are uniform."""

    level_dbfs: Range = (-45.0, -8.0)
    """Level of the speech."""
    item_gain_db: Range = (-5.0, 5.0)
    """Of one word or excerpt against the next."""
    snr_db: Range = (0.0, 32.0)
    clean_share: float = 0.2
    """Share of clips at 35 to 55 dB instead."""
    coloured_noise_share: float = 0.35
    """Share of clips whose noise is synthetic, of a random spectral slope."""
    babble_share: float = 0.15
    """Share of clips whose noise is several people talking at once."""
    room_share: float = 0.5
    reverberation_seconds: Range = (0.08, 0.7)
    """Time in which a room decays by 60 dB."""
    equaliser_db: float = 8.0
    """Largest random gain of the microphone's response."""
    low_pass_share: float = 0.35
    low_pass_hz: Range = (3000.0, 9000.0)
    high_pass_hz: Range = (20.0, 300.0)
    clipping_share: float = 0.08
    clipping_db: Range = (1.0, 15.0)
    """How far the peaks are driven over full scale."""
    companding_share: float = 0.05
    """Share of clips sent through 8-bit mu-law at 8 kHz, as telephones do."""
    codec_share: float = 0.03
    """Share of clips sent through another codec: GSM, Vorbis, MP3, Opus."""
    speed_share: float = 0.15
    """Share of real recordings played slower or faster."""
    synthetic_speed_share: float = 0.0
    """The same of synthetic voices, which vary already when they are spoken."""
    speed: Range = (0.88, 1.14)
    feature_mask_share: float = 0.3
    """Share of clips in which a few neighbouring bins are blanked."""
    measured_room_share: float = 0.0
    """Share of clips in the room of a `room` source, instead of an invented one."""
    measured_microphone_share: float = 0.0
    """Share of clips heard by the microphone of a `microphone` source, before all else."""
    hum_share: float = 0.0
    """Share of clips with the hum of the mains."""
    quiet_share: float = 0.0
    """Share of clips in a quiet room: noise at -95 to -62 dBFS, however loud the speech is."""
    gate_share: float = 0.0
    """Share of clips with digital silence between the words, as noise gates leave."""
    cut_short_share: float = 0.0
    """Share of words whose first 60 and last 40 ms at most are lost."""


@dataclass(frozen=True)
class Dialogue:
    """Clips as a sequence of words, sentences and pauses over noise."""

    positive_share: float = 0.25
    """Share of items that are positives; the others are negatives."""
    fragment_share: float = 0.06
    """Share of positives of which only the beginning or the end is heard: then negatives."""
    fragment: Range = (0.25, 0.6)
    """How much of the word is heard then."""
    long_pause_share: float = 0.6
    short_pause_seconds: Range = (0.0, 0.12)
    long_pause_seconds: Range = (0.15, 1.6)
    empty_share: float = 0.06
    """Share of clips without any speech."""


@dataclass(frozen=True)
class Recipe:
    """What a training clip is made of; the defaults are the reference recipe's."""

    clip_seconds: float = 10.0
    positives: tuple[int, int] = (0, 4)
    """Fewest and most positive words in a clip of the reference layout."""
    negatives: tuple[int, int] = (0, 2)
    background_gain_db: float = -20.0
    target_dbfs: float = -20.0
    """Level of the clip in the reference layout."""
    label_steps: int = 50
    """Steps labelled after the end of a positive."""
    ignored_steps: tuple[int, int] = (0, 0)
    """Steps before and after the labelled ones that do not count in the loss."""
    dialogue: Dialogue | None = None
    """Replaces the reference layout (words dropped at random places)."""
    augmentation: Augmentation | None = None
    """Needed by, and only used with, the dialogue layout."""
    held_out_folds: tuple[int, ...] = (0,)
    """Tenths of the speakers (or files) that are kept for development."""
    test_folds: tuple[int, ...] = ()
    """Tenths that are kept for the last evaluation: they neither train nor choose anything."""
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if (self.dialogue is None) != (self.augmentation is None):
            raise SettingsError("dialogue and augmentation belong together: give both or neither")

    def sources_of(self, role: str) -> tuple[Source, ...]:
        return tuple(source for source in self.sources if source.role == role)
