"""Whatever reads a request takes time in proportion to its length: a run of dots must not stop the server."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator

import pytest

import guard.deobfuscation
import guard.detection
import guard.text
from guard.deobfuscation.readings import DECODERS, deobfuscate
from guard.detection.names import Names
from guard.text.composition import compose
from guard.text.conversation import message_windows, windows
from guard.text.json_escapes import readings as unescaped

CHARACTERS = 8_000
# A linear reading takes twice as long for twice the text, a quadratic one four times: the bound lies between, as
# other work on the machine blurs both.
RATIO = 3.0
# Below this much processor time a clock tells nothing, and a quadratic reading takes a hundred times as long.
SECONDS = 0.004
ATTEMPTS = 12
UNITS = [
    *(".", "-", "\\", "[", "{", "+", "%", "«", "=", "&", "_", "$", "?", "0", "a", "é", "漢", " ", "\n"),
    *(
        "\u200b",
        "\u0301",
        "\u0301\u0323",
        "\u1161",
        "ี่",
        "か\u3099",
        "\U000e0041",
        "a/",
        "12,",
        "---|",
        "/abc",
        "ab-",
        "%ab",
        "0x",
        "\\x",
        "00000000 ",
    ),
    *("a-", "a--", "a=", "aé", "A1", "!a", "I.", "a b ", "0 ", "&#", "&#0", "&amp;", "\\u", "\\u0041", '{"a":1},'),
    *("Ina", "I.n.a.", "i\u200bn\u200ba\u200b", "Ilsabet ", "aaaaaaaa=é", "QUJDREVG", "ab: "),
    *(
        "<b",
        "<b>",
        "a<b>",
        "a<!--",
        "[a](",
        "a[a](b)",
        "[[",
        "\ufe00",
        "\u2801",
        ". ",
        "- ",
        ".-",
        "alfa ",
        "alfa",
        "12 ",
    ),
    *("1-", "1-2 ", "=41", "=\n", "U+0041 ", "\\101", "%u0041", "M12", "aa", "A2", "\u200b\u200c", "\u2062"),
]
NAMES = Names.build({"a": ["Ilsabet Quorne"], "b": ["Ina"], "c": ["ハナ"]})


def patterns() -> Iterator[tuple[str, Callable[[str], object]]]:
    for room in (guard.deobfuscation, guard.text, guard.detection):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    yield f"{module.name}.{name}", lambda text, pattern=value: pattern.sub("", text)


READERS: dict[str, Callable[[str], object]] = {
    **dict(patterns()),
    "deobfuscate": deobfuscate,
    **{f"{decode.__module__}.{decode.__name__}": decode for decode in DECODERS},
    "compose": compose,
    "windows": windows,
    "message_windows": message_windows,
    "json_escapes.readings": unescaped,
    "names.found": NAMES.found,
    "names.parts": NAMES.parts,
}


def seconds(read: Callable[[str], object], text: str) -> float:
    started = time.thread_time()
    read(text)
    return time.thread_time() - started


def grows_in_proportion(read: Callable[[str], object], text: str, twice: str) -> bool:
    once, double = seconds(read, text), seconds(read, twice)
    for _ in range(ATTEMPTS):
        if double <= SECONDS + RATIO * once:
            return True
        once, double = min(once, seconds(read, text)), min(double, seconds(read, twice))
    return False


@pytest.mark.parametrize("name", READERS)
def test_twice_the_text_takes_no_more_than_twice_the_time(name: str) -> None:
    read = READERS[name]
    # What ends a run may make it fail where it would else have matched.
    runs = [(unit, unit * (CHARACTERS // len(unit)), end) for unit in UNITS for end in ("", "é\0z!1")]
    slow = [(unit, end) for unit, run, end in runs if not grows_in_proportion(read, run + end, run + run + end)]
    assert slow == []
