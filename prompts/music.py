#!/usr/bin/env python3
"""Makes the hold music of this repository: plucked strings over soft chords, written for the telephone's band.

    python3 prompts/music.py [--out FILE]

It needs NumPy. The same version of this script always makes the same file. The music was written for Helpline and is
under the licence of the repository.
"""
import argparse
import wave

import numpy as np

RATE = 16_000
BEAT = 60 / 72
BARS_A = [("C4", "E4 G4 B4 E5"), ("A3", "E4 G4 C5 E5"), ("F3", "E4 A4 C5 E5"), ("G3", "D4 G4 B4 D5")]
BARS_B = [("D4", "F4 A4 C5 F5"), ("G3", "F4 B4 D5 F5"), ("E3", "D4 G4 B4 E5"), ("A3", "C4 G4 C5 E5")]
FORM = BARS_A * 2 + BARS_B + BARS_A + BARS_B[:2] + BARS_A[:2] + BARS_A
MELODY = ["E5 . G5 .", ". E5 . C5", "A4 . C5 E5", "D5 . . .", "G5 . E5 .", ". C5 . E5", "C5 . A4 .", "B4 . . ."]
RANDOM = np.random.default_rng(2026)


def hertz(name):
    semitone = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[0]]
    return 440 * 2 ** ((semitone + 12 * (int(name[-1]) - 4) - 9) / 12)


def pluck(frequency, seconds, brightness):
    """A plucked string (Karplus and Strong 1983), tuned by reading between the samples."""
    count = int(seconds * RATE)
    period = RATE / frequency - 0.5
    length = int(period)
    fraction = period - length
    line = RANDOM.uniform(-1, 1, length + 1)
    for _ in range(3 - brightness):
        line = (line + np.roll(line, 1)) / 2
    line -= line.mean()
    out = np.empty(count)
    position, before = 0, 0.0
    for index in range(count):
        here, there = line[position], line[(position + 1) % len(line)]
        value = here * (1 - fraction) + there * fraction
        out[index] = value
        line[position] = 0.996 * (value + before) / 2
        before = value
        position = (position + 1) % len(line)
    return out * np.minimum(1, (count - np.arange(count)) / (0.15 * RATE))


def pad(names, seconds):
    """A soft chord: a few harmonics a note, slowly in and slowly out."""
    time = np.arange(int(seconds * RATE)) / RATE
    sound = np.zeros(len(time))
    for name in names:
        for harmonic, level in ((1, 1.0), (2, 0.35), (3, 0.12)):
            drift = 1 + 0.0008 * RANDOM.uniform(-1, 1)
            sound += level * np.sin(2 * np.pi * hertz(name) * harmonic * drift * time + RANDOM.uniform(0, 6.28))
    edge = np.minimum(1, np.minimum(time / 0.6, (seconds - time) / 0.9))
    return sound * np.sin(edge * np.pi / 2) ** 2 / len(names)


def add(track, sound, at, level):
    """Lays a sound on the track, which is a circle: what rings beyond the end rings in the beginning."""
    places = (int(at * RATE) + np.arange(len(sound))) % len(track)
    np.add.at(track, places, level * sound)


def compose():
    bar = 4 * BEAT
    track = np.zeros(int(len(FORM) * bar * RATE))
    for number, (bass, chord) in enumerate(FORM):
        start, notes = number * bar, chord.split()
        add(track, pad(notes[:3], bar + 0.9), start - 0.3, 0.16)
        add(track, pluck(hertz(bass), 3.0, 0), start, 0.5)
        add(track, pluck(hertz(bass) * 1.5, 1.6, 0), start + 2 * BEAT, 0.3)
        order = (0, 1, 2, 3, 2, 1, 2, 1) if number % 2 else (0, 2, 1, 3, 2, 3, 1, 2)
        for eighth, which in enumerate(order):
            human = 0.012 * RANDOM.standard_normal()
            add(track, pluck(hertz(notes[which]), 1.8, 1), start + eighth * BEAT / 2 + human, 0.26 + 0.05 * RANDOM.random())
        if number >= 4:
            for beat, note in enumerate(MELODY[number % len(MELODY)].split()):
                if note != ".":
                    add(track, pluck(hertz(note), 2.2, 2), start + beat * BEAT + 0.01, 0.34)
    # A small room, on the circle as well.
    for delay, level in ((0.031, 0.22), (0.047, 0.17), (0.083, 0.12), (0.131, 0.08)):
        track = track + level * np.roll(track, int(delay * RATE))
    spectrum = np.fft.rfft(track)
    frequency = np.fft.rfftfreq(len(track), 1 / RATE)
    spectrum *= 1 / (1 + (120 / np.maximum(frequency, 1)) ** 6) / (1 + (frequency / 3_600) ** 8)
    track = np.tanh(np.fft.irfft(spectrum, len(track)) * 0.9)
    return track / np.abs(track).max() * 10 ** (-6 / 20)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="prompts/music/strings.wav")
    out = parser.parse_args().out
    samples = (compose() * 32_767).astype("<i2")
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    print(f"{out}: {len(samples) / RATE:.1f} s")


if __name__ == "__main__":
    main()
