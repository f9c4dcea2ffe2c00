"""Escapes of HTML and of addresses: tags, character references and percent codes, which show blanks or letters."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

from guard.text.json_escapes import Escapes

MAX_TAG_CHARS = 80
"""In a tag; a longer one is read as text. What may become a tag is held back."""

_BYTE = "[89abAB][0-9a-fA-F]"
# The bytes of one character in UTF-8.
_PERCENT = (
    rf"%[0-7][0-9a-fA-F]|%[cdCD][0-9a-fA-F]%{_BYTE}|%[eE][0-9a-fA-F]%{_BYTE}%{_BYTE}|%[fF][0-7](?:%{_BYTE}){{3}}"
)
_PERCENT_OPEN = r"%(?:[0-9a-fA-F]|[cdefCDEF][0-9a-fA-F](?:%[0-9a-fA-F]{2}){0,2}(?:%[0-9a-fA-F]?)?)?"
_REFERENCE = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
_REFERENCE_OPEN = r"&(?:#(?:[0-9]{0,7}|[xX][0-9a-fA-F]{0,6})|[A-Za-z][A-Za-z0-9]{0,30})?"
# In a string of JSON the slash may be escaped.
_TAG = rf"<\\?[/!]?[A-Za-z][^<>]{{0,{MAX_TAG_CHARS}}}>"
_TAG_OPEN = rf"<(?:\\?(?:[/!]?(?:[A-Za-z][^<>]{{0,{MAX_TAG_CHARS}}})?)?)"
_UNITS = re.compile(rf"{_PERCENT}|{_REFERENCE}|{_TAG}|[&%<]|[^&%<]+", re.DOTALL)
_OPEN = re.compile(rf"(?:{_PERCENT_OPEN}|{_REFERENCE_OPEN}|{_TAG_OPEN})\Z", re.DOTALL)


def _shown(unit: str) -> str:
    """Return what a unit shows: of a tag a blank."""
    if len(unit) < 3:
        return unit
    if unit[0] == "%":
        return unquote(unit, errors="replace")
    if unit[0] == "&":
        return html.unescape(unit) or " "
    return " " if unit[0] == "<" else unit


MARKUP = Escapes(re.compile("[&%<]"), _UNITS, _OPEN, _shown)
