"""Synthetic voices: the parts on made signals, and every engine that is installed."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import pyworld
from scipy.signal import lfilter, welch

from firmware_py.errors import AudioError, MissingToolError, SettingsError
from models.voices import catalogue
from models.voices.bank import speak_phrases
from models.voices.carriers import CARRIERS
from models.voices.catalogue import ENGINES, find_voices, synthesise
from models.voices.cutting import MARGIN_SECONDS, PhraseClip, cut_clip, fade, trim_phrase
from models.voices.engines.voice import Utterance, Voice, WordTiming
from models.voices.manifest import ClipManifest
from models.voices.recipe import VOCODER_SHARE, Order, SpeechRecipe, draw_recipe
from models.voices.room import Room, impulse_response, reverberate
from models.voices.spoken import PEAK, SpokenClip, make_clip, say
from models.voices.vocoder import Throat, warp

RATE_HZ = 16000
PLACING = ("espeak-ng", "flite", "festival")
"""Engines that tell where each word is; of the accents, those voices that these engines speak."""
SENTENCE = "please activate the lamp"


def voices_of(*engines: str) -> tuple[Voice, ...]:
    try:
        return find_voices(engines or None)
    except MissingToolError as error:
        pytest.skip(str(error))


def one_voice_of(engine: str) -> Voice:
    return voices_of(engine)[0]


def vowel(f0_hz: float, formant_hz: float, seconds: float = 0.6) -> np.ndarray:
    """Return pulses at f0 through one resonance, float32 [samples]."""
    time = np.arange(int(seconds * RATE_HZ)) * f0_hz / RATE_HZ
    pulses = np.diff(np.floor(time), prepend=0.0)
    radius = np.exp(-np.pi * 100 / RATE_HZ)
    angle = 2 * np.pi * formant_hz / RATE_HZ
    sound = lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], pulses)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def peak_hz(samples: np.ndarray) -> float:
    """Return the frequency of the strongest band about 250 Hz wide."""
    frequencies, power = welch(samples, RATE_HZ, nperseg=2048)
    wide = np.convolve(power, np.hanning(33), mode="same")
    return float(frequencies[wide.argmax()])


def made_recipe(voice: Voice, **changes: object) -> SpeechRecipe:
    fields = {"index": 0, "phrase": "activate", "rate_wpm": 165.0, "pitch": 50.0}
    return SpeechRecipe(
        **{**fields, "voice": voice, "carrier": None, "throat": None, "room": None, **changes}
    )


# cutting


def test_trim_finds_what_is_above_33_db_below_the_peak() -> None:
    samples = np.full(RATE_HZ, 0.9 * 10 ** (-34 / 20), np.float32)
    samples[4000:8000] = 0.9
    samples[8000:8800] = 0.9 * 10 ** (-32 / 20)
    trimmed = trim_phrase(PhraseClip(samples, RATE_HZ, 0.0, 1.0))
    assert (trimmed.start_seconds, trimmed.end_seconds) == (4000 / RATE_HZ, 8800 / RATE_HZ)


def test_trim_only_looks_at_the_phrase() -> None:
    samples = np.ones(RATE_HZ, np.float32)
    samples[4000:8000] = 0.001
    samples[5000:6000] = 0.1
    trimmed = trim_phrase(PhraseClip(samples, RATE_HZ, 0.25, 0.5))
    assert (trimmed.start_seconds, trimmed.end_seconds) == (5000 / RATE_HZ, 6000 / RATE_HZ)


def test_trim_of_silence_is_empty() -> None:
    trimmed = trim_phrase(PhraseClip(np.zeros(100, np.float32), RATE_HZ, 0.0, 100 / RATE_HZ))
    assert trimmed.start_seconds == trimmed.end_seconds


@pytest.mark.parametrize("start", [-0.1, 0.0, 0.1])
def test_cut_moves_the_phrase_along(start: float) -> None:
    samples = np.arange(RATE_HZ, dtype=np.float32)
    piece = cut_clip(PhraseClip(samples, RATE_HZ, 0.25, 0.5), start, 0.6)
    assert piece.samples[round(piece.start_seconds * RATE_HZ)] == samples[4000]
    assert piece.samples[round(piece.end_seconds * RATE_HZ)] == samples[8000]
    assert piece.samples[-1] == samples[round(0.6 * RATE_HZ) - 1]


def test_fade_leaves_the_middle() -> None:
    clip = fade(PhraseClip(np.ones(1600, np.float32), RATE_HZ, 0.02, 0.08), 0.02, 0.01)
    assert clip.samples[0] < 1e-4
    assert clip.samples[-1] < 1e-3
    assert np.all(np.diff(clip.samples[:320]) > 0)
    np.testing.assert_array_equal(clip.samples[320:1440], 1.0)


# vocoder


@pytest.mark.parametrize(("mean_f0_hz", "jitter"), [(90.0, 1.0), (140.0, 1.0), (140.0, 0.85)])
def test_warp_moves_pitch_and_formant(mean_f0_hz: float, jitter: float) -> None:
    source = vowel(f0_hz=140.0, formant_hz=1500.0)
    warped = warp(source, RATE_HZ, Throat(mean_f0_hz, jitter))
    assert warped is not None
    f0, _ = pyworld.harvest(warped.samples.astype(float), RATE_HZ)
    assert np.median(f0[f0 > 0]) == pytest.approx(mean_f0_hz, rel=0.03)
    assert warped.mean_f0_hz == pytest.approx(mean_f0_hz, rel=0.03)
    assert peak_hz(warped.samples) == pytest.approx(1500 * warped.formant_factor, rel=0.06)
    assert len(warped.samples) == len(source)


def test_warp_keeps_within_reach_of_the_voice() -> None:
    warped = warp(vowel(f0_hz=90.0, formant_hz=700.0), RATE_HZ, Throat(270.0, 1.3))
    assert warped is not None
    assert warped.mean_f0_hz == pytest.approx(180.0, rel=0.03)
    assert warped.formant_factor == 1.28


def test_warp_leaves_what_has_no_pitch() -> None:
    click = np.zeros(4000, np.float32)
    click[2000] = 1.0
    assert warp(click, RATE_HZ, Throat(120.0, 1.0)) is None


# room


@pytest.mark.parametrize("t60_seconds", [0.15, 0.3, 0.7])
def test_room_decays_60_db_in_t60(t60_seconds: float) -> None:
    response = impulse_response(Room(t60_seconds, 0.0, seed=3), RATE_HZ)[800:].astype(float)
    remaining_db = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] / np.sum(response**2))
    first, last = (int(np.argmax(remaining_db < level)) for level in (-3, -18))  # Schroeder, 1965
    slope = np.polyfit(np.arange(first, last) / RATE_HZ, remaining_db[first:last], 1)[0]
    assert -60 / slope == pytest.approx(t60_seconds, rel=0.12)


@pytest.mark.parametrize("ratio_db", [-3.0, 0.0, 15.0])
def test_room_keeps_the_direct_sound_and_the_ratio(ratio_db: float) -> None:
    response = impulse_response(Room(0.4, ratio_db, seed=3), RATE_HZ).astype(float)
    assert response[0] == 1.0
    assert -10 * np.log10(np.sum(response[1:] ** 2)) == pytest.approx(ratio_db, abs=0.01)


def test_room_is_the_convolution_with_its_response() -> None:
    click = np.zeros(100, np.float32)
    click[10] = 0.5
    room = Room(0.1, 3.0, seed=1)
    expected = np.convolve(click, impulse_response(room, RATE_HZ))
    np.testing.assert_allclose(reverberate(click, RATE_HZ, room), expected, atol=1e-6)


# recipes

MADE_VOICES = (
    *(Voice("espeak-ng", f"en+{number}") for number in range(200)),
    *(Voice("flite", name) for name in ("kal16", "awb", "rms", "slt")),
    *(Voice("festival", name) for name in ("kal_diphone", "ked_diphone", "slt_hts")),
)


def order_of(*phrases: str, carrier: bool = True, keep_carrier: bool = False) -> Order:
    return Order(phrases, MADE_VOICES, seed=5, carrier=carrier, keep_carrier=keep_carrier)


def test_recipes_share_out_engines_and_voices() -> None:
    accents = tuple(Voice("accents", f"a{number}") for number in range(20))
    order = replace(order_of("a"), voices=(*MADE_VOICES, *accents))
    drawn = [draw_recipe(order, index) for index in range(4000)]
    engines = Counter(recipe.voice.engine for recipe in drawn)
    others = Counter(
        recipe.voice.name for recipe in drawn if recipe.voice.engine not in ("espeak-ng", "accents")
    )
    assert engines["espeak-ng"] / 4000 == pytest.approx(0.3, abs=0.03)
    assert engines["accents"] / 4000 == pytest.approx(0.4, abs=0.03)
    assert len(others) == 7
    assert max(others.values()) < 1.3 * min(others.values())
    assert np.mean([recipe.carrier is not None for recipe in drawn]) == pytest.approx(0.5, abs=0.03)
    assert np.std([recipe.rate_wpm for recipe in drawn]) == pytest.approx(28, rel=0.1)


def test_the_phrase_decides_nothing_else() -> None:
    ours = [draw_recipe(order_of("activate"), index) for index in range(50)]
    theirs = [draw_recipe(order_of("active", "deactivate"), index) for index in range(50)]
    for one, other in zip(ours, theirs, strict=True):
        assert (one.voice, one.pitch, one.throat, one.room, one.carrier) == (
            other.voice,
            other.pitch,
            other.throat,
            other.room,
            other.carrier,
        )
    assert Counter(recipe.phrase for recipe in theirs) == {"active": 25, "deactivate": 25}


def test_the_vocoder_takes_the_same_share_of_each_phrase() -> None:
    order = order_of("activate", "active", "after late")
    warped = Counter(
        recipe.phrase
        for recipe in (draw_recipe(order, index) for index in range(6000))
        if recipe.throat is not None
    )
    for count in warped.values():
        assert count / 2000 == pytest.approx(VOCODER_SHARE, abs=0.04)


def test_switches_change_only_the_carrier() -> None:
    for index in range(50):
        half = draw_recipe(order_of("activate"), index)
        none = draw_recipe(order_of("activate", carrier=False), index)
        kept = draw_recipe(order_of("activate", keep_carrier=True), index)
        assert none.carrier is None
        assert kept.carrier in CARRIERS
        assert (half.voice, half.throat, half.room) == (none.voice, none.throat, none.room)
        assert (half.voice, half.throat, half.room) == (kept.voice, kept.throat, kept.room)


def test_carriers_take_one_phrase_each() -> None:
    assert len(set(CARRIERS)) == len(CARRIERS)
    for carrier in CARRIERS:
        assert carrier.split().count("{}") == 1
        assert carrier.count("{") == 1


# words in an utterance


def test_span_reaches_over_the_words_of_a_phrase() -> None:
    words = tuple(WordTiming(token, float(token), token + 0.9) for token in range(4))
    utterance = Utterance(np.zeros(4 * RATE_HZ, np.float32), RATE_HZ, words)
    assert utterance.span(1, 3, 4) == (1.0, 2.9)
    assert utterance.span(3, 4, 4) == (3.0, 3.9)


@pytest.mark.parametrize("missing", [1, 2])
def test_span_is_unknown_where_words_run_together(missing: int) -> None:
    words = tuple(
        WordTiming(token, float(token), token + 0.9) for token in range(3) if token != missing
    )
    utterance = Utterance(np.zeros(3 * RATE_HZ, np.float32), RATE_HZ, words)
    assert utterance.span(1, 2, 3) is None


# engines


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_says_the_same_again(engine: str) -> None:
    for voice in voices_of(engine)[:4]:
        first = synthesise(SENTENCE, voice, 165, 50)
        synthesise("something else entirely", voices_of(engine)[-1], 210, 20)
        again = synthesise(SENTENCE, voice, 165, 50)
        np.testing.assert_array_equal(first.samples, again.samples)
        assert first.words == again.words
        assert first.sample_rate_hz >= RATE_HZ
        assert 0.05 < np.abs(first.samples).max() <= 1.0


@pytest.mark.parametrize("engine", PLACING)
def test_the_words_are_placed(engine: str) -> None:
    for voice in voices_of(engine)[-4:]:
        utterance = synthesise(SENTENCE, voice, 165, 50)
        assert [word.token for word in utterance.words] == [0, 1, 2, 3]
        for word, following in zip(utterance.words, utterance.words[1:], strict=False):
            assert word.start_seconds < word.end_seconds
            assert word.end_seconds <= following.start_seconds + 1e-3
        assert utterance.words[-1].end_seconds <= utterance.duration_seconds
        start, end = utterance.span(1, 2, 4) or (0.0, 0.0)
        assert 0.3 < end - start < 0.9


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_minds_the_rate(engine: str) -> None:
    voice = one_voice_of(engine)
    slow, fast = (synthesise(SENTENCE, voice, rate, 50) for rate in (130, 200))
    if engine in PLACING:
        lengths = [end - start for start, end in (u.span(1, 2, 4) or (0, 0) for u in (slow, fast))]
        assert lengths[0] / lengths[1] == pytest.approx(200 / 130, rel=0.15)
    assert 1.25 < slow.duration_seconds / fast.duration_seconds < 1.7


@pytest.mark.parametrize(
    ("engine", "name"),
    [("espeak-ng", "en-US"), ("flite", "kal16"), ("flite", "slt"), ("festival", "kal_diphone")],
)
def test_pitch_moves_the_mean_f0(engine: str, name: str) -> None:
    voice = Voice(engine, name)
    if voice not in voices_of(engine):
        pytest.skip(f"{voice} is not installed")
    means = []
    for pitch in (20, 80):
        utterance = synthesise("we were away all morning", voice, 165, pitch)
        f0, _ = pyworld.harvest(utterance.samples.astype(float), utterance.sample_rate_hz)
        means.append(np.median(f0[f0 > 0]))
    assert means[1] > 1.3 * means[0]


def test_espeak_leaves_out_what_no_person_sounds_like() -> None:
    names = [voice.name.lower() for voice in voices_of("espeak-ng")]
    assert not [name for name in names if "robo" in name or "whisper" in name]
    assert len(names) > 300
    assert len(names) == len(set(names))


def test_espeak_tells_of_an_unknown_voice() -> None:
    one_voice_of("espeak-ng")
    with pytest.raises(AudioError, match="no voice zz-nowhere"):
        synthesise("hello", Voice("espeak-ng", "zz-nowhere"), 165, 50)


def test_festival_tells_of_an_unknown_voice() -> None:
    one_voice_of("festival")
    with pytest.raises(AudioError, match="nobody"):
        synthesise("hello", Voice("festival", "nobody"), 165, 50)


def test_unknown_engine_is_named() -> None:
    with pytest.raises(SettingsError, match="'murmur'; known: espeak-ng, flite, festival"):
        find_voices(["murmur"])


class Silent:
    def voices(self) -> tuple[str, ...]:
        return ()


@pytest.mark.parametrize("engines", [None, ["flite"]])
def test_nothing_installed_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, engines: list[str] | None
) -> None:
    monkeypatch.setattr(catalogue, "engine_by_name", lambda name: Silent())
    with pytest.raises(MissingToolError, match="sudo apt install espeak-ng flite festival"):
        find_voices(engines)


# clips


@pytest.mark.parametrize("engine", PLACING)
def test_a_word_is_cut_out_of_its_sentence(engine: str) -> None:
    voice = voices_of(engine)[-1]
    alone = make_clip(made_recipe(voice), keep_carrier=False)
    inside = make_clip(made_recipe(voice, carrier="please {} the lamp"), keep_carrier=False)
    assert alone.carrier is None
    assert inside.carrier == SENTENCE
    for spoken in (alone, inside):
        clip = spoken.clip
        assert clip.start_seconds <= MARGIN_SECONDS + 1 / clip.sample_rate_hz
        assert clip.duration_seconds - clip.end_seconds <= MARGIN_SECONDS + 1 / clip.sample_rate_hz
        assert np.abs(clip.samples).max() == pytest.approx(PEAK)
        assert abs(clip.samples[-1]) < 0.01
    ratio = inside.clip.duration_seconds / alone.clip.duration_seconds
    assert 0.5 < ratio < 1.3


PLACE_NONE = ("rhvoice", "pico", "rhvoice-nc", "accents-nc", "mbrola")


@pytest.mark.parametrize("engine", PLACE_NONE)
def test_engines_that_place_no_word_say_it_alone(engine: str) -> None:
    spoken = make_clip(
        made_recipe(voices_of(engine)[0], carrier="please {} the lamp"), keep_carrier=True
    )
    assert spoken.carrier is None
    assert 0.3 < spoken.clip.duration_seconds < 2.0


def test_voices_that_are_for_tests_only_speak_only_when_named() -> None:
    unasked = {voice.engine for voice in voices_of()}
    assert unasked.isdisjoint({"rhvoice-nc", "accents-nc", "mbrola"})


@pytest.mark.parametrize("engine", PLACING)
def test_a_kept_sentence_tells_where_its_word_is(engine: str) -> None:
    voice = voices_of(engine)[-1]
    recipe = made_recipe(voice, carrier="please {} the lamp")
    word = make_clip(recipe, keep_carrier=False).clip
    whole = make_clip(recipe, keep_carrier=True).clip
    first = round(whole.start_seconds * whole.sample_rate_hz)
    begin = round(word.start_seconds * word.sample_rate_hz)
    length = round((word.end_seconds - word.start_seconds) * word.sample_rate_hz)
    heard, expected = whole.samples[first : first + length], word.samples[begin : begin + length]
    assert np.corrcoef(heard, expected)[0, 1] > 0.999
    assert whole.duration_seconds > 1.5 * word.duration_seconds


def test_a_word_that_runs_into_the_next_is_said_alone() -> None:
    voice = Voice("espeak-ng", "en-US")
    if voice not in voices_of("espeak-ng"):
        pytest.skip("espeak-ng has no American accent")
    utterance = synthesise("some of the lamps", voice, 165, 50)
    if utterance.span(1, 2, 4) is not None:
        pytest.skip("this espeak-ng says 'of the' as two words")
    clip, carrier = say(made_recipe(voice, phrase="of", carrier="some {} the lamps"))
    assert carrier is None
    assert clip.end_seconds - clip.start_seconds < 0.5


def test_a_room_rings_on_after_the_word() -> None:
    voice = one_voice_of("flite")
    dry = make_clip(made_recipe(voice), keep_carrier=False).clip
    wet = make_clip(made_recipe(voice, room=Room(0.7, -3.0, seed=2)), keep_carrier=False).clip
    assert wet.end_seconds == pytest.approx(dry.end_seconds)
    assert wet.duration_seconds > dry.duration_seconds + 0.1


# banks


def files_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a small bank made in this process."""
    voices_of()
    out = tmp_path_factory.mktemp("bank")
    speak_phrases(["activate", "after late"], out, 9, seed=9)
    return files_of(out)


@pytest.mark.parametrize("kind", ["threads", "spawn", "fork"])
def test_any_executor_makes_the_same_files(
    bank: dict[str, bytes], tmp_path: Path, kind: str
) -> None:
    executor = (
        ThreadPoolExecutor(3)
        if kind == "threads"
        else ProcessPoolExecutor(2, mp_context=get_context(kind))
    )
    with executor:
        speak_phrases(["activate", "after late"], tmp_path, 9, seed=9, executor=executor)
    assert files_of(tmp_path) == bank


def test_an_interrupted_run_goes_on(bank: dict[str, bytes], tmp_path: Path) -> None:
    lines = bank["manifest.csv"].decode().splitlines(keepends=True)
    (tmp_path / "manifest.csv").write_text("".join(lines[:8]) + lines[8][:15])
    for line in lines[1:8]:
        (tmp_path / line.split(",")[1]).write_bytes(b"made before")
    speak_phrases(["activate", "after late"], tmp_path, 9, seed=9)
    made = files_of(tmp_path)
    assert made["manifest.csv"] == bank["manifest.csv"]
    kept = {name for name, content in made.items() if content == b"made before"}
    assert len(kept) == 7
    assert all(made[name] == content for name, content in bank.items() if name not in kept)


def test_more_clips_are_added_to_a_bank(bank: dict[str, bytes], tmp_path: Path) -> None:
    speak_phrases(["activate", "after late"], tmp_path, 3, seed=9)
    before = files_of(tmp_path)
    speak_phrases(["activate", "after late"], tmp_path, 4, seed=9)
    rows = ClipManifest(tmp_path).read()
    assert [row["index"] for row in rows] == [str(index) for index in range(8)]
    assert all(bank[row["file"]] == files_of(tmp_path)[row["file"]] for row in rows)
    assert len(before) == 7


@pytest.mark.parametrize(("phrases", "seed"), [(["active"], 9), (["activate", "after late"], 8)])
def test_a_bank_of_another_order_is_left_alone(
    bank: dict[str, bytes], tmp_path: Path, phrases: list[str], seed: int
) -> None:
    (tmp_path / "manifest.csv").write_bytes(bank["manifest.csv"])
    with pytest.raises(SettingsError, match="choose another --out"):
        speak_phrases(phrases, tmp_path, 4, seed=seed)
    assert files_of(tmp_path) == {"manifest.csv": bank["manifest.csv"]}


@pytest.mark.parametrize("error", [ValueError("zip() argument 2 is longer"), AudioError("mute")])
def test_a_voice_that_fails_for_a_phrase_does_not_end_the_run(
    error: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another one speaks for it, and it is named at the end."""
    one_voice_of("flite")
    voices = find_voices(["flite"])
    broken = voices[0]

    def make(recipe: SpeechRecipe, keep_carrier: bool) -> SpokenClip:
        if recipe.voice == broken and recipe.phrase == "hugo":
            raise error
        return make_clip(recipe, keep_carrier)

    monkeypatch.setattr("models.voices.bank.make_clip", make)
    speak_phrases(["hugo", "activate"], tmp_path, 8, engines=["flite"], carrier=False)
    rows = ClipManifest(tmp_path).read()
    spoke = {
        phrase: {row["voice"] for row in rows if row["phrase"] == phrase}
        for phrase in ("hugo", "activate")
    }
    assert len(rows) == 16
    assert broken.name not in spoke["hugo"]
    assert broken.name in spoke["activate"]
    assert "Kal, American man (Flite) (" in caplog.text
    assert "others spoke for them" in caplog.text


def test_a_phrase_that_no_voice_can_say_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(recipe: SpeechRecipe, keep_carrier: bool) -> SpokenClip:
        raise KeyError("hugo")

    one_voice_of("flite")
    monkeypatch.setattr("models.voices.bank.make_clip", fail)
    with pytest.raises(AudioError, match="voices in a row cannot say 'hugo'"):
        speak_phrases(["hugo"], tmp_path, 1, engines=["flite"])


def test_a_tool_that_is_missing_is_no_fault_of_a_voice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(recipe: SpeechRecipe, keep_carrier: bool) -> SpokenClip:
        raise MissingToolError("install onnxruntime")

    one_voice_of("flite")
    monkeypatch.setattr("models.voices.bank.make_clip", fail)
    with pytest.raises(MissingToolError, match="onnxruntime"):
        speak_phrases(["activate"], tmp_path, 1, engines=["flite"])


def test_an_accent_that_tells_of_no_word_still_speaks(tmp_path: Path) -> None:
    """espeak-ng's New York accent places no word in "hugo", "human" or "hue"."""
    voice = Voice("espeak-ng", "en-US-nyc")
    if voice not in voices_of("espeak-ng"):
        pytest.skip("espeak-ng has no accent of New York")
    phrases = ["hugo", "human", "huge"]
    speak_phrases(phrases, tmp_path, 2, voices=[voice])
    assert len(ClipManifest(tmp_path).read()) == 6


def test_an_engine_can_be_left_out(tmp_path: Path) -> None:
    one_voice_of("flite")
    speak_phrases(["activate"], tmp_path, 5, engines=["flite"])
    assert {row["engine"] for row in ClipManifest(tmp_path).read()} == {"flite"}


@pytest.mark.parametrize("phrase", ["", "  ", "(quit)", 'say "a"', "größer", "a\nb", "{}"])
def test_what_engines_would_misread_is_refused(phrase: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot speak"):
        speak_phrases([phrase], tmp_path / "out", 1)
    assert not (tmp_path / "out").exists()
