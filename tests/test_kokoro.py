"""The neural voices, without their 92 MB: what is read, by whom, and where words are."""

import shutil

import numpy as np
import pytest

from firmware_py.errors import AudioError, MissingToolError
from models.voices.engines.voice import Voice
from models.voices.engines.voice_files import FOLDER_VARIABLE
from models.voices.kokoro import engine, files, throats
from models.voices.kokoro.text import symbols
from models.voices.recipe import KOKORO, Order, draw_recipe

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is missing")


@pytest.fixture
def tables():
    rng = np.random.default_rng(1)
    names = ("af_a", "am_b", "bf_c", "zf_d")
    return {name: rng.normal(size=(20, 256)).astype(np.float32) for name in names}


def test_a_voice_of_its_own_speaks_in_its_own_style(tables):
    own = throats.throat("bf_c", tables)
    assert own.british
    np.testing.assert_array_equal(own.style(tables, 7), tables["bf_c"][6])
    np.testing.assert_array_equal(own.style(tables, 99), tables["bf_c"][-1])


def test_a_mixture_is_made_of_shares_and_always_the_same(tables):
    mixed = throats.throat("blend-5", tables)
    assert 2 <= len(mixed.voices) <= 3
    assert mixed.timbre.sum() == pytest.approx(1.0)
    assert mixed.prosody.sum() == pytest.approx(1.0)
    assert (mixed.timbre != mixed.prosody).any()
    again = throats.throat("blend-5", dict(reversed(list(tables.items()))))
    np.testing.assert_array_equal(mixed.style(tables, 3), again.style(tables, 3))
    others = [throats.throat(f"blend-{number}", tables).style(tables, 3) for number in range(30)]
    assert len({style.tobytes() for style in others}) == 30


def test_mixtures_are_mostly_english(tables):
    first = [throats.throat(f"blend-{number}", tables).voices[0] for number in range(400)]
    english = np.mean([name.startswith(throats.ENGLISH) for name in first])
    assert english == pytest.approx(throats.ENGLISH_SHARE, abs=0.08)


@needs_espeak
def test_symbols_are_those_that_kokoro_learnt():
    assert symbols("jarvis", "en-us") == ("ʤˈɑɹvɪs",)
    please, word = symbols("please, activate!", "en-us")
    assert please == "plˈiz,"
    assert word.startswith("ˈækt")
    assert word.endswith("A" + "t!")  # a diphthong is one letter


@needs_espeak
def test_words_that_are_run_together_keep_their_places():
    text = "the last of the old ones"
    assert len(symbols(text, "en-us")) == len(text.split())


@needs_espeak
def test_a_text_without_a_sound_is_refused():
    with pytest.raises(AudioError, match="nothing to say"):
        symbols("...", "en-us")


def test_the_leading_pad_is_never_cut_short():
    cap = engine._longest_frames("ab, c.")
    assert cap.shape == (1, 8)
    assert cap[0, 0] == engine.SYMBOL_FRAMES  # the first sound begins in it
    assert cap[0, 3] == cap[0, 4] == engine.PAUSE_FRAMES
    assert cap[0, -1] == engine.TAIL_FRAMES


def test_words_are_placed_by_what_each_symbol_lasted():
    spelt = engine.Spelt("ab cd.", ((0, 2), (3, 5)))
    frames = np.array([4, 1, 2, 3, 5, 6, 2, 1])  # a pad, six symbols, a pad
    first, second = engine._words(spelt, frames)
    assert (first.start_seconds, first.end_seconds) == (0.0, pytest.approx(7 * 0.025))
    assert second.start_seconds == pytest.approx(10 * 0.025)
    assert second.end_seconds == pytest.approx(21 * 0.025)


def test_without_its_files_the_engine_has_no_voice(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert engine.Kokoro().voices() == ()


def test_files_that_are_not_what_was_published_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "voices"))
    source = tmp_path / "given"
    (source / "voices").mkdir(parents=True)
    (source / "voices" / "af_heart.bin").write_bytes(b"\0" * 1024)
    with pytest.raises(AudioError, match=r"is not Kokoro 1\.0"):
        files.gather_kokoro(source)
    assert not files.network().exists()


def test_damaged_styles_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    voices = files.folder() / "voices"
    voices.mkdir(parents=True)
    (voices / "af_heart.bin").write_bytes(b"\0" * 1000)
    with pytest.raises(AudioError, match="holds no styles"):
        files.read_styles()


def test_a_damaged_network_ends_the_speaking_with_one_line(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    files.network().parent.mkdir()
    files.network().write_bytes(b"cut short")
    with pytest.raises(MissingToolError, match=r"kokoro\.onnx cannot be used; remove it and run"):
        engine.Kokoro()._network  # noqa: B018
    files.vocabulary().write_text("{")
    with pytest.raises(MissingToolError, match=r"vocab\.json cannot be used; remove it and run"):
        engine.Kokoro()._numbers  # noqa: B018


def test_integer_products_become_the_same_products_in_float(tmp_path):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    from models.voices.kokoro import network

    rng = np.random.default_rng(2)
    weights = rng.integers(-127, 127, (6, 4)).astype(np.int8)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], name="quantise"),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["i"], name="product"),
        helper.make_node("Cast", ["i"], ["f"], name="cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["s", "ws"], ["both"], name="scales"),
        helper.make_node("Mul", ["f", "both"], ["y"], name="scale"),
        helper.make_node("Abs", ["y"], ["a"], name="abs"),
        helper.make_node("Cast", ["a"], [network.DURATIONS], name="frames", to=TensorProto.INT64),
        helper.make_node("Identity", [network.DURATIONS], ["told"], name="told"),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4]),
            helper.make_tensor_value_info("told", TensorProto.INT64, [1, 4]),
        ],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.float32(0.01).reshape(()), "ws"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "int8.onnx")
    network.prepare_network(tmp_path / "int8.onnx", tmp_path / "float.onnx")
    x = rng.normal(size=(1, 6)).astype(np.float32)
    cap, bump = np.full((1, 4), 3, np.int64), np.array([[-9, 0, 0, 9]], np.int64)
    session = onnxruntime.InferenceSession(tmp_path / "float.onnx")
    y, told, durations = session.run(None, {"x": x, "cap": cap, "bump": bump})
    np.testing.assert_allclose(y, x @ weights * 0.01, rtol=1e-5, atol=1e-5)
    expected = np.clip(np.abs(y).astype(np.int64) + bump, 1, cap)
    np.testing.assert_array_equal(durations, expected)
    np.testing.assert_array_equal(told, durations)


def test_neural_voices_speak_their_share_and_are_seldom_warped():
    voices = (
        Voice("espeak-ng", "en-us+f1"),
        Voice(KOKORO, "af_heart"),
        *(Voice(KOKORO, f"blend-{number}") for number in range(50)),
    )
    order = Order(("activate",), voices, 1, carrier=True, keep_carrier=False)
    recipes = [draw_recipe(order, index) for index in range(600)]
    neural = [recipe for recipe in recipes if recipe.voice.engine == KOKORO]
    assert len(neural) / 600 == pytest.approx(0.5, abs=0.08)
    pure = [recipe for recipe in neural if recipe.voice.name == "af_heart"]
    assert len(pure) / len(neural) == pytest.approx(0.25, abs=0.08)
    assert sum(recipe.throat is not None for recipe in neural) / len(neural) < 0.3


def test_without_neural_voices_the_same_clips_are_drawn_as_ever():
    voices = (Voice("espeak-ng", "en-us+f1"), Voice("flite", "awb"))
    order = Order(("activate",), voices, 1, carrier=True, keep_carrier=False)
    drawn = [draw_recipe(order, index).voice.engine for index in range(200)]
    rng_first = np.random.default_rng((1, 0)).random()
    assert (drawn[0] == "espeak-ng") == (rng_first < 0.3)


def test_another_attempt_draws_everything_anew():
    order = Order(("activate",), (Voice("flite", "awb"),), 1, carrier=True, keep_carrier=False)
    assert draw_recipe(order, 4) == draw_recipe(order, 4, 0)
    assert draw_recipe(order, 4, 1) != draw_recipe(order, 4)
