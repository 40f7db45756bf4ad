"""How command words are learnt: the settings."""

from dataclasses import dataclass, field

from firmware_py.errors import SettingsError
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
class Layout:
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
class Schedule:
    """How long and how fast; the pairs of steps and rates are those of the classic trainer."""

    steps: tuple[int, ...] = (4000, 1500)
    learning_rates: tuple[float, ...] = (1e-3, 1e-4)
    batch_size: int = 64
    repeats: int = 2
    """Batches are costly to make: how often each serves, with fresh masks."""
    weight_decay: float = 1e-4
    label_smoothing: float = 0.05
    average_momentum: float = 0.995
    """Moving average of the weights, which is what is judged and shipped; 0: none."""
    log_steps: int = 20
    evaluation_steps: int = 400
    checkpoint_steps: int = 400
    patience_evaluations: int = 0
    """Stop after this many evaluations without gain; 0: never."""
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.steps or len(self.steps) != len(self.learning_rates):
            raise SettingsError(
                f"steps are {self.steps} and learning_rates {self.learning_rates}; give as many of"
                " one as of the other"
            )

    @property
    def total_steps(self) -> int:
        return sum(self.steps)

    def learning_rate(self, step: int) -> float:
        """Return the rate of step number `step`, from 0 on."""
        for count, rate in zip(self.steps, self.learning_rates, strict=True):
            if step < count:
                return rate
            step -= count
        return self.learning_rates[-1]


@dataclass(frozen=True)
class WordsRecipe:
    """The data of command words and how they are learnt."""

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
    layout: Layout = field(default_factory=Layout)
    augmentation: Augmentation = field(default_factory=Augmentation)
    schedule: Schedule = field(default_factory=Schedule)
