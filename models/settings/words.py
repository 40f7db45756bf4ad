"""How training examples of command words are made: the settings."""

from dataclasses import dataclass, field

from models.settings.recipe import Augmentation, Range


@dataclass(frozen=True)
class Share:
    """Divides the speakers of one split of the list anew, by a hash of their own."""

    split: str
    """The split that the list names, such as training."""
    validation_percent: float
    testing_percent: float


@dataclass(frozen=True)
class Division:
    """Who trains, who validates and who tests."""

    validation_percent: float = 10.0
    testing_percent: float = 10.0
    list: str = ""
    """CSV in the folder with the columns file and official_split (or split); it overrides the
    percentages. Empty: the rule alone."""
    shares: tuple[Share, ...] = ()
    """For lists whose splits are not the three, or lack some words."""


@dataclass(frozen=True)
class Extra:
    """A further folder of recordings that train and never judge."""

    path: str
    word: str = ""
    """What is said in it, or `_unknown_`; empty: its folders are named after their words."""
    share: float = 1.0
    """How often a recording of it is drawn, against those of the data set."""


@dataclass(frozen=True)
class StreamLayoutSettings:
    """How words are laid into a training clip of a streaming network."""

    clip_seconds: float = 3.0
    unknown_share: float = 0.25
    """Share of the words in a clip that are unknown ones."""
    trimmed_share: float = 0.5
    """Share of recordings that are cut close to the word; the others keep their own noise."""
    pause_seconds: Range = (0.0, 0.9)
    label_seconds: float = 0.32
    """How long after its end a word is the target."""
    ignored_seconds: tuple[float, float] = (0.08, 0.2)
    """Before the word's end and after the labelled time, when no answer is wrong."""
    empty_share: float = 0.08
    """Share of clips in which nobody speaks."""
    quiet_share: float = 0.3
    """Share of clips without any added noise, digital silence between the recordings."""
    word_weight: float = 2.0
    """Of labelled steps in the loss, against silence."""


@dataclass(frozen=True)
class WordsRecipe:
    """The data of command words and what is made of it."""

    folder: str = "speech_commands"
    """In the Speech Commands layout, looked for under each --data folder."""
    unknown_percent: float = 10.0
    """Clips of other words, against those of the labels, in validation and testing."""
    silence_percent: float = 10.0
    division: Division = field(default_factory=Division)
    extras: tuple[Extra, ...] = ()
    shift_ms: float = 100.0
    """Largest random shift of a clip of one second, either way."""
    background_share: float = 0.8
    """Share of clips of one second that are mixed with background noise."""
    nothing_share: float = 0.0
    """Share of clips of one second that hold no whole word: background, another word, or the
    beginning or end of one. All labels are then equally right, so that a network without silence
    and unknown is sure of nothing between words (outlier exposure: Hendrycks, Mazeika,
    Dietterich, "Deep Anomaly Detection with Outlier Exposure", 2019)."""
    layout: StreamLayoutSettings = field(default_factory=StreamLayoutSettings)
    augmentation: Augmentation = field(default_factory=Augmentation)
