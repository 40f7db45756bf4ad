"""The Festival engine, through one long-lived process."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import threading
from functools import cached_property
from pathlib import Path

import soundfile

from firmware_py.errors import AudioError
from models.voices.engines.process import pipes
from models.voices.engines.voice import Utterance, WordTiming, duration_factor, pitch_factor

ENGLISH_VOICE = re.compile(r"kal_|ked_|rab_|don_|en1_|us\d_|cmu_us_|nitech_us_")
"""Festival's voice list does not tell languages; these are the English ones Debian knows."""

DONE = "spoken-to-the-end"

ENCODING = "latin-1"
"""Each character one byte: Festival reads bytes, and each voice its own language's encoding."""

DEFINITIONS = """
(define (print_bounds item)
  (cond
    ((item.parent item) nil)  ; a word, below its token
    ((item.daughters item)
     (format t "word %f %f\\n"
             (item.feat (item.daughter1 item) 'word_start)
             (item.feat (item.daughtern item) 'word_end)))
    (t (format t "none\\n"))))
(define (speak_to_file text file select stretch rate f0_factor)
  (select)
  (Parameter.set 'Duration_Stretch stretch)
  (if (boundp 'hts_engine_params)
      (set! hts_engine_params (cons (list "-r" rate) hts_engine_params)))
  (if (boundp 'int_lr_params)
      (set! int_lr_params
            (cons (list 'target_f0_mean
                        (* f0_factor (cadr (assoc 'target_f0_mean int_lr_params))))
                  int_lr_params)))
  (let ((utterance (eval (list 'Utterance 'Text text))))  ; it takes its words unevaluated
    (utt.synth utterance)
    (utt.save.wave utterance file 'riff)
    (mapcar print_bounds (utt.relation.items utterance 'Token))))
"""


class Festival:
    """Speaks through `festival --pipe`; safe to share between threads."""

    name = "festival"

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def voices(self) -> tuple[str, ...]:
        """Return the installed English voices."""
        return tuple(name for name in self.installed() if ENGLISH_VOICE.match(name))

    def installed(self) -> tuple[str, ...]:
        """Return the voices of all languages."""
        if shutil.which("festival") is None:
            return ()
        return tuple(sorted(re.findall(r"[\w-]+", "".join(self._ask("(print (voice.list))")))))

    def synthesise(self, text: str, voice: str, rate: float, pitch: float) -> Utterance:
        """Speak text; the pitch is left as it is by voices that learnt theirs (HTS)."""
        slower = duration_factor(rate)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "speech.wav"
            lines = self._ask(
                f'(speak_to_file "{text}" "{path}" voice_{voice} {slower:.4f} {1 / slower:.4f} '
                f"{pitch_factor(pitch):.4f})"
            )
            if not path.exists():
                raise AudioError(f"festival voice {voice} cannot speak {text!r}: {lines}")
            samples, sample_rate_hz = soundfile.read(path, dtype="float32")
        bounds = [line.split() for line in lines if line.startswith(("word ", "none"))]
        words = tuple(
            WordTiming(token, float(fields[1]), float(fields[2]))
            for token, fields in enumerate(bounds)
            if fields[0] == "word"
        )
        return Utterance(samples, int(sample_rate_hz), words)

    def pronounce(self, word: str) -> tuple[str, ...]:
        """Return the phones of a word, from the CMU lexicon or its letter-to-sound rules.

        Raises AudioError where neither knows: for digits, or without festlex-cmu.
        """
        return tuple(phone for phones, _ in self.syllables(word) for phone in phones)

    def syllables(self, word: str) -> tuple[tuple[tuple[str, ...], bool], ...]:
        """Return the syllables of a word: the phones of each, and whether it is stressed.

        Raises AudioError where neither knows: for digits, or without festlex-cmu.
        """
        lines = self._ask(
            '(begin (require \'cmulex) (setup_cmu_lex) (lex.select "cmu")'
            f' (print (lex.lookup "{word.lower()}" nil)))'
        )
        # ("word" part-of-speech syllables), the word without quotes where Festival added it itself
        entry = re.search(r'^\("?[^\s"]+"? \S+ (\(\(.*)', "".join(lines), re.MULTILINE)
        if entry is None:
            raise AudioError(f"festival cannot pronounce {word!r}; write it as it is spoken")
        syllables = re.findall(r"\(\(([a-z ]+)\) (\d)\)", entry[1])
        return tuple((tuple(phones.split()), stress == "1") for phones, stress in syllables)

    @cached_property
    def _process(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["festival", "--pipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; it ends with its stdin
            encoding=ENCODING,
        )
        assert process.stdin is not None
        process.stdin.write(DEFINITIONS)
        return process

    def _ask(self, expression: str) -> list[str]:
        """Evaluate an expression; return the lines it printed."""
        with self._lock:
            stdin, stdout = pipes(self._process)
            stdin.write(f'{expression}\n(format t "{DONE}\\n")\n(fflush)\n')
            stdin.flush()
            lines: list[str] = []
            for line in stdout:
                if line.rstrip().endswith(DONE):
                    return lines
                lines.append(line)
            raise AudioError(f"festival went away at {expression}; it said {''.join(lines)!r}")
