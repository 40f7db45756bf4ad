"""Who speaks a synthetic recording, in words: what reports show for the names of voices.

Manifests name voices as their programs do ("kokoro", "af_heart"); people read "Heart, American
woman (Kokoro)".
"""

import re

PROGRAMS = {
    "espeak-ng": "eSpeak NG",
    "flite": "Flite",
    "festival": "Festival",
    "rhvoice": "RHVoice",
    "rhvoice-nc": "RHVoice, not for commercial use",
    "pico": "Pico",
    "kokoro": "Kokoro",
    "piper": "Piper",
    "mbrola": "MBROLA",
    "accents": "foreign accents",
    "accents-nc": "foreign accents, not for commercial use",
}
ENGLISH = {
    "en": "British English",
    "en-029": "Caribbean English",
    "en-gb": "British English",
    "en-gb-scotland": "Scottish English",
    "en-gb-x-gbclan": "Lancashire English",
    "en-gb-x-gbcwmd": "West Midlands English",
    "en-gb-x-rp": "Received Pronunciation",
    "en-us": "American English",
    "en-us-nyc": "New York English",
}
LANGUAGES = {
    "af": "Afrikaans", "bg": "Bulgarian", "cs": "Czech", "de": "German", "es": "Spanish",
    "fi": "Finnish", "fr": "French", "gr": "Greek", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "nl": "Dutch", "pl": "Polish",
    "pt": "Brazilian Portuguese", "ro": "Romanian", "ru": "Russian", "sw": "Swedish",
    "tr": "Turkish",
}  # fmt: skip
KOKORO = {
    "a": "American", "b": "British", "e": "Spanish", "f": "French", "h": "Hindi", "i": "Italian",
    "j": "Japanese", "p": "Brazilian", "z": "Chinese",
}  # fmt: skip
PEOPLE = {
    "kal16": "Kal, American man",
    "kal_diphone": "Kal, American man",
    "ked_diphone": "Ked, American man",
    "awb": "AWB, Scottish man",
    "bdl": "BDL, American man",
    "rms": "RMS, American man",
    "clb": "CLB, American woman",
    "slt": "SLT, American woman",
    "cmu_us_slt_arctic_hts": "SLT, American woman",
    "alan": "Alan, Scottish man",
    "evgeniy-eng": "Evgeniy, English",
    "lyubov": "Lyubov, English",
    "suo_fi_lj_diphone": "LJ, Finnish",
    "hy_fi_mv_diphone": "MV, Finnish",
    "czech_dita": "Dita, Czech",
    "czech_krb": "Krb, Czech",
    "czech_machac": "Machac, Czech",
    "czech_ph": "PH, Czech",
    "lp_diphone": "LP, Italian",
    "pc_diphone": "PC, Italian",
    "upc_ca_ona_hts": "Ona, Catalan",
    "msu_ru_nsh_clunits": "NSH, Russian",
    "hindi_NSK_diphone": "NSK, Hindi",
    **dict.fromkeys(("anna", "elena", "irina", "arina", "tatiana", "victoria"), "Russian"),
    **dict.fromkeys(("aleksandr-hq", "artemiy", "mikhail", "pavel", "vitaliy", "yuriy"), "Russian"),
    **dict.fromkeys(("anatol", "natalia", "marianna", "volodymyr"), "Ukrainian"),
    **dict.fromkeys(("azamat", "nazgul"), "Kyrgyz"),
    **dict.fromkeys(("kiko", "suze"), "Macedonian"),
    **dict.fromkeys(("magda", "natan"), "Polish"),
    "talgat": "Tatar",
    "spomenka": "Esperanto",
    "hana": "Albanian",
}
"""Voices recorded from people: who, or only the language of those with a name of their own."""
OPEN_A, NATIVE, BLEND = "-a", "native-", "blend-"


def program(engine: str) -> str:
    """Return the name of what spoke, as its makers write it."""
    if engine.startswith(NATIVE):
        return f"{engine.removeprefix(NATIVE).capitalize()} voices"
    return PROGRAMS.get(engine, engine)


def spoken_by(name: str) -> str:
    """Return an engine, or a voice after its engine and a blank, in words."""
    engine, _, voice = name.partition(" ")
    return speaker(engine, voice) if voice else program(engine)


def speaker(engine: str, voice: str) -> str:
    """Return a voice in words, with its program; names that are not known stay as they are."""
    if engine.startswith(NATIVE):
        return speaker(*voice.split(" ", 1)) if " " in voice else voice
    if engine.startswith("accents"):
        return _with_an_accent(voice)
    if engine not in PROGRAMS:
        return f"{engine} {voice}".strip()
    return f"{_who(engine, voice)} ({PROGRAMS[engine]})"


def _with_an_accent(voice: str) -> str:
    own = voice.removesuffix(OPEN_A)
    engine = next((p for p in ("espeak", "rhvoice", "pico") if own.startswith(f"{p}-")), "")
    engine, own = engine or "festival", own.removeprefix(f"{engine}-")
    who = _who("espeak-ng" if engine == "espeak" else engine, own)
    said = "accent, open a" if voice.endswith(OPEN_A) else "accent"
    return f"{who} {said} ({PROGRAMS['espeak-ng' if engine == 'espeak' else engine]})"


def _who(engine: str, voice: str) -> str:
    if engine == "kokoro":
        return _of_kokoro(voice)
    if engine == "piper":
        return _of_piper(voice)
    if engine == "mbrola":
        return _of_mbrola(voice)
    if engine in ("espeak-ng", "pico"):
        tongue, _, variant = voice.partition("+")
        return f"{_tongue(tongue)}, {_variant(variant)}" if variant else _tongue(tongue)
    who = PEOPLE.get(voice, voice)
    return who if "," in who or who == voice else f"{_capital(voice.removesuffix('-hq'))}, {who}"


def _of_kokoro(voice: str) -> str:
    if voice.startswith(BLEND):
        return f"mixture {voice.removeprefix(BLEND)}"
    kind, _, name = voice.partition("_")
    if len(kind) != 2 or kind[0] not in KOKORO or not name:
        return voice
    return f"{_capital(name)}, {KOKORO[kind[0]]} {'woman' if kind[1] == 'f' else 'man'}"


def _of_piper(voice: str) -> str:
    """Return "en_US-joe-medium" as Joe, "en_US-vctk-medium+17" as the 17th of many."""
    found = re.fullmatch(r"([a-z]{2})_([A-Z]{2})-(.+)-[a-z_]+(?:\+(\d+))?", voice)
    if not found:
        return voice
    language, country, name, number = found.groups()
    who = _capital(name) if number is None else f"{_capital(name)} {number}"
    return f"{who}, {_tongue(f'{language}-{country}')}"


def _of_mbrola(voice: str) -> str:
    found = re.fullmatch(r"mb-([a-z]{2})(\d)(-en)?", voice)
    if not found:
        return voice
    country, number, foreign = found.groups()
    if foreign:
        return f"{LANGUAGES.get(country, country)} accent {number}"
    return f"{'American' if country == 'us' else 'British'} {number}"


def _tongue(name: str) -> str:
    """Return a language by its code: "de-DE" is German."""
    code = name.lower()
    return ENGLISH.get(code) or LANGUAGES.get(code.partition("-")[0], name)


def _variant(name: str) -> str:
    """Return a variant of espeak-ng: "f3" is female 3."""
    letters, number = re.fullmatch(r"(.*?)(\d*)", name).groups()  # type: ignore[union-attr]
    word = {"f": "female", "m": "male"}.get(letters) or _capital(letters)
    return f"{word} {number}".strip()


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
