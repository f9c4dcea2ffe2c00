"""Regular expressions for JSON schemas: a phrase needs letters or digits that folding keeps."""

from __future__ import annotations

# Ranges of letters and digits of living scripts, as hexadecimal code points. JSON schema validators disagree about
# `\w` and `\p{L}`, but not about ranges. Rarer letters are allowed in a phrase, but do not suffice for one.
_RANGES = """
    0030-0039 0041-005a 0061-007a 00c0-00d6 00d8-00f6 00f8-02b8 038e-03a1 03a3-03f5 03f7-0481 048a-052f
    0531-0556 0560-0588 05d0-05ea 0620-063f 0671-06d3 0712-072f 074d-07a5 07c0-07ea 0800-0815 0840-0858
    08a0-08c9 0904-0939 0971-0980 0993-09a8 0a13-0a28 0a93-0aa8 0b13-0b28 0c12-0c28 0c2a-0c39
    0c92-0ca8 0d12-0d3a 0d85-0d96 0d9a-0db1 0e01-0e30 0e8c-0ea3 0f49-0f6c 1000-102a 10a0-10c5 10d0-10fa
    1100-115e 1161-1248 1260-1288 1290-12b0 12d8-1310 1318-135a 13a0-13f5 1401-166c 1780-17b3 1820-1878
    1980-19ab 1a20-1a54 1b05-1b33 1b83-1ba0 1c00-1c23 1c4d-1c7d 1c90-1cba 1e00-1f15 1f20-1f45 1f80-1fb4
    2d00-2d25 2d30-2d67 3041-3096 30a1-30fa 3105-312f 3131-3163 3400-4dbf 4e00-9fff a000-a48c a4d0-a4fd
    a500-a60c a640-a66e a722-a788 a840-a873 a882-a8b3 a900-a925 a984-a9b2 aa00-aa28 ab70-abe2 ac00-d7a3
"""


def _class() -> str:
    ranges = (each.split("-") for each in _RANGES.split())
    return "".join(f"{chr(int(first, 16))}-{chr(int(last, 16))}" for first, last in ranges)


LETTERS = f"[{_class()}]"
"""A regular expression of one such letter or digit."""

TWO_LETTERS = f"{LETTERS}[\\s\\S]*{LETTERS}"
"""A regular expression found in every text with two of them."""
