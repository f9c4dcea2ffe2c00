"""`lethe bench readings`: whether reading a request takes time in proportion to its length."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from guard.deobfuscation.readings import deobfuscate
from guard.detection.names import Names
from guard.text.conversation import message_windows
from guard.text.json_escapes import readings

MIB = 2**20
AIM = 2.3
# Times that what is steeper is measured again.
REPEATS = 3
# What takes less is over before a clock tells much.
MIN_SECONDS = 0.05
# What was slow once, or would be for a reading that tries every place of a run.
UNITS = {
    "dots": ".",
    "zeros": "0",
    "bits": "00000000 ",
    "slashes": "/abc",
    "base64": "QUJDREVG",
    "percents": "%41",
    "entities": "&#65;",
    "escapes": "\\u0041",
    "words": "lantern orchard ",
    "spelt out": "a-b-c ",
    "combining marks": "a\u0301",
}
_NAMES = Names.build({"a": ["Ilsabet Quorne"], "b": ["Ina"]})
READERS: dict[str, Callable[[str], object]] = {
    "deobfuscate": deobfuscate,
    "windows": message_windows,
    "names": _NAMES.found,
    "parts of names": _NAMES.parts,
    "JSON escapes": readings,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The processor time in seconds of reading a text of `unit`, and how much more twice the text takes."""

    reader: str
    unit: str
    seconds: float
    ratio: float


def run(mib: int) -> Iterator[Reading]:
    """Yield every reader on a run of every unit, of half of `mib` MiB and of all of it."""
    for name, read in READERS.items():
        for unit, text in UNITS.items():
            half = text * (mib * MIB // 2 // len(text))
            once, twice = _seconds(read, half), _seconds(read, 2 * half)
            for _ in range(REPEATS):
                if twice <= AIM * once:
                    break
                # Other work on the machine only adds: the least of several measurements is nearest to the truth.
                once, twice = min(once, _seconds(read, half)), min(twice, _seconds(read, 2 * half))
            yield Reading(name, unit, twice, twice / max(once, MIN_SECONDS))


def _seconds(read: Callable[[str], object], text: str) -> float:
    started = time.thread_time()
    read(text)
    return time.thread_time() - started


def markdown(measured: Sequence[Reading]) -> str:
    """Return, for each reader, its slowest and its steepest run as a Markdown table."""
    rows = ["| reader | slowest run | seconds | steepest run | time(2n) / time(n) | aim |"]
    rows += ["| --- | --- | --- | --- | --- | --- |"]
    for name in dict.fromkeys(reading.reader for reading in measured):
        own = [reading for reading in measured if reading.reader == name]
        slow, steep = max(own, key=lambda each: each.seconds), max(own, key=lambda each: each.ratio)
        rows.append(f"| {name} | {slow.unit} | {slow.seconds:.2f} | {steep.unit} | {steep.ratio:.2f} | {AIM} |")
    return "\n".join(rows)
