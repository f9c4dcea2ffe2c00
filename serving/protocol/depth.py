"""How deeply JSON in a string is nested: what an engine reads there, it reads by recursion."""

from __future__ import annotations

import re

MAX_LEVELS = 240
"""Of JSON in a string. A body, which it may become a part of, can be written with some 250."""
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def is_deep(text: str) -> bool:
    """Whether a text that is read as JSON is nested more than MAX_LEVELS deep, be it JSON or not."""
    if text.count("[") + text.count("{") <= MAX_LEVELS:
        return False
    level = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        level += 1 if bracket in "[{" else -1
        if level > MAX_LEVELS:
            return True
    return False
