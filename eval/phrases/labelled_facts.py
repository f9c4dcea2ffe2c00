"""Facts of invented people with labels: what in them tells, and what is common."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files


class Split(StrEnum):
    """Which facts: those that the rules were tuned on, those held out, and those held out since rules were mended.

    The second were written before any rule was mended for the languages that were weak by the first, in six
    languages, and read once. The third were written without a look at the rules, once these had been mended.
    """

    DEV = "dev"
    HELD_OUT = "heldout"
    HELD_OUT_2 = "heldout2"
    HELD_OUT_3 = "heldout3"


@dataclass(frozen=True, slots=True)
class LabelledFact:
    """A fact in a language; an answer may neither contain what `tells` nor be kept from what is `common`."""

    language: str
    text: str
    tells: tuple[str, ...]
    common: tuple[str, ...]


def labelled_facts(split: Split) -> list[LabelledFact]:
    """Return the facts of one split: ten or more in each language."""
    text = files("eval.phrases").joinpath(f"facts_{split}.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return [LabelledFact(row[0], row[1], _items(row[2]), _items(row[3])) for row in rows]


def _items(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, cell.split("|")))
