"""Variant ideographs: one form stands for the traditional, simplified, Japanese and other forms of a character."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def ideograph(char: str) -> str:
    """Return the form that stands for this ideograph, itself for one without variants."""
    return _forms().get(char, char)


@cache
def _forms() -> dict[str, str]:
    rows = files("guard.text").joinpath("ideographs.txt").read_text("utf-8").splitlines()
    return {variant: row[0] for row in rows if not row.startswith("#") for variant in row[1:]}
