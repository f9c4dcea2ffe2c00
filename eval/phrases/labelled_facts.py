"""Facts of invented people with labels: what in them tells, and what is common."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files


class Split(StrEnum):
    """Which facts: seven sets that the rules may be tuned on, and one held out, of which they know no row.

    The second to the seventh were held out themselves, until their errors were looked at. The fourth to the
    seventh and the one held out are by other authors, written without a look at the rules.
    """

    TUNED_ON = "tuned_on"
    TUNED_ON_2 = "tuned_on_2"
    TUNED_ON_3 = "tuned_on_3"
    TUNED_ON_4 = "tuned_on_4"
    TUNED_ON_5 = "tuned_on_5"
    TUNED_ON_6 = "tuned_on_6"
    TUNED_ON_7 = "tuned_on_7"
    HELD_OUT_5 = "held_out_5"


TUNED_ON = (
    Split.TUNED_ON,
    Split.TUNED_ON_2,
    Split.TUNED_ON_3,
    Split.TUNED_ON_4,
    Split.TUNED_ON_5,
    Split.TUNED_ON_6,
    Split.TUNED_ON_7,
)
"""The sets whose errors may be listed."""

HELD_OUT: tuple[Split, ...] = (Split.HELD_OUT_5,)
"""The sets whose errors are never listed."""


@dataclass(frozen=True, slots=True)
class LabelledFact:
    """A fact in a language; an answer may neither contain what `tells` nor be kept from what is `common`."""

    language: str
    text: str
    tells: tuple[str, ...]
    common: tuple[str, ...]


def labelled_facts(split: Split) -> list[LabelledFact]:
    """Return the facts of one split: ten or more in each of its languages."""
    text = files("eval.phrases").joinpath(f"facts_{split}.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return [LabelledFact(row[0], row[1], _items(row[2]), _items(row[3])) for row in rows]


def _items(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, cell.split("|")))
