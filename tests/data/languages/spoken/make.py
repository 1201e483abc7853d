#!/usr/bin/env python3
"""Writes beside itself how an independent program, num2words 0.5.14 (PyPI), says numbers and dates.

    python3 -m venv venv && venv/bin/pip install num2words==0.5.14 && venv/bin/python make.py

`src/flow/speech/tests/independent.rs` compares what Helpline says with it. Differences of taste are undone here, each with its why.
"""
import datetime
import random
import re
from pathlib import Path

from num2words import num2words

HERE = Path(__file__).resolve().parent
WEEKDAYS = {"es": "lunes martes miércoles jueves viernes sábado domingo",
            "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
            "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"}
MONTHS = {"es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
          "en": "January February March April May June July August September October November December",
          "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"}


def plain(language, text):
    """One way of writing: Helpline joins recordings, so commas and hyphens are not heard."""
    text = text.replace(",", " ").replace("-", " ")
    if language == "es":
        # It says "veintiuno mil"; before a noun the rule is "veintiún mil" (RAE, Diccionario panhispánico de dudas, "uno").
        text = re.sub(r"\bveintiuno (mil|millones)\b", r"veintiún \1", text)
        text = re.sub(r"\buno (mil|millones)\b", r"un \1", text)
    if language == "de":
        text = text.replace("einstausend", "eintausend")  # as it says by itself of 1000
        text = text.replace(" ", "")  # German writes numbers in one word
    return " ".join(text.split())


def numbers():
    chosen = set(range(0, 202)) | {10 ** p + d for p in range(3, 12) for d in (-1, 0, 1)}
    draw = random.Random(7)
    for top in (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 999_999_999_999):
        chosen |= {draw.randrange(top) for _ in range(80)}
    return sorted(chosen)


def main():
    for language in ("en", "es", "de"):
        lines = [f"number {n} {plain(language, num2words(n, lang=language))}" for n in numbers()]
        if language == "en":
            lines += [f"ordinal {n} {plain('en', num2words(n, lang='en', to='ordinal'))}" for n in numbers() if n]
            lines += [f"year {y} {year(y)}" for y in range(1900, 2100)]
        if language == "es":
            lines += [f"ordinal {n} {num2words(n, lang='es', to='ordinal')}" for n in range(1, 11)]
        if language == "de":
            lines += [f"date {n} {num2words(n, lang='de', to='ordinal')}" for n in range(1, 32)]
        day = datetime.date(2027, 1, 1)
        while day.year == 2027:
            weekday, month = WEEKDAYS[language].split()[day.weekday()], MONTHS[language].split()[day.month - 1]
            ordinal = num2words(day.day, lang=language, to="ordinal")
            if language == "en":
                said = f"{weekday} the {ordinal} of {month}"
            elif language == "es":
                said = f"el {weekday} {'primero' if day.day == 1 else num2words(day.day, lang='es')} de {month}"
            else:
                said = f"{weekday} der {ordinal} {month}"
            lines.append(f"day {day} {said}".replace("-", " ") if language == "en" else f"day {day} {said}")
            day += datetime.timedelta(1)
        if language == "en":  # the date itself keeps its hyphens
            lines = [re.sub(r"^day (\d+) (\d+) (\d+)", r"day \1-\2-\3", line) for line in lines]
        (HERE / f"{language}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def year(number):
    """British years: "oh" is written with a hyphen there."""
    return plain("en", num2words(number, lang="en", to="year"))


if __name__ == "__main__":
    main()
