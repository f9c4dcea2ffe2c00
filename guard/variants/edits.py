"""Secrets with one character wrong: every such string holds one of a few parts of the secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, pairwise

from guard.text.normalise import fold
from guard.text.words import Word, words_of
from guard.variants.frequency import begins_common_word, ends_common_word, is_ordinary
from guard.variants.variant import Variant, VariantKind

# The least part of a secret that is forbidden: of letters and digits mixed, of letters, of digits. Shorter ones
# occur in ordinary text, which is searched without blanks: "at 2 the" has "t2th".
MIN_MIXED_CHARS = 5
MIN_LETTERS = 7
MIN_DIGITS = 6
# A longer secret is cut as if it had no more: its parts need not be longer than this.
MAX_CUT_CHARS = 48
MIN_EDITED_CHARS = 5
MIN_RUN_WORDS = 3

_RUN = re.compile(r"\d+|[^\W\d_]+")
_CLASSES = ("0123456789", "abcdefghijklmnopqrstuvwxyz")


def edit_variants(secret: str) -> Iterator[Variant]:
    """Yield parts of `secret`, one of which is in every string that is two edits away from it, or one if it is
    too short for three parts.

    An edit replaces, drops or adds one character, or swaps two. By the pigeonhole principle, of two parts that do
    not overlap one is left whole by one edit, and of three one by two. Each part is so long and so mixed
    (MIN_MIXED_CHARS and so on) that it is neither ordinary text nor easily guessed. A secret too short to be cut
    so has the shortest such beginning and end, and edits where these two overlap one by one: the secret without a
    character, and with another letter or digit in its place, if MIN_EDITED_CHARS are left. Of a passphrase, words
    are edited. A label of a few common words has no variants.
    """
    words = words_of(secret)
    if not any(char.isdigit() for char in secret) and (len(words) > 1 or is_ordinary(secret)):
        yield from _of_passphrase(secret, words)
        return
    folded = fold(secret)
    parts = _cut(folded, 3) or _cut(folded, 2)
    edits = iter(parts) if parts else filter(_is_own, _of_short(folded))
    yield from (Variant(text, VariantKind.EDIT) for text in edits)


def _of_passphrase(secret: str, words: list[Word]) -> Iterator[Variant]:
    """Yield every run of half of the words, MIN_RUN_WORDS at least: one of them is in a text with one word
    amiss."""
    length = max(MIN_RUN_WORDS, len(words) // 2)
    if len(words) > MIN_RUN_WORDS:
        for first, last in zip(words, words[length - 1 :], strict=False):
            yield Variant(secret[first.start : last.end], VariantKind.EDIT)


def _cut(folded: str, count: int) -> list[str]:
    """Return `count` parts of `folded` that tell, as equal as can be, or none."""
    size = min(len(folded), MAX_CUT_CHARS)
    best: list[str] = []
    for cuts in combinations(range(MIN_MIXED_CHARS, size - MIN_MIXED_CHARS + 1), count - 1):
        ends = [*cuts, len(folded)]
        parts = [folded[start:end] for start, end in pairwise((0, *ends))]
        longest = max(map(len, parts))
        if (not best or longest < max(map(len, best))) and all(map(_tells, parts)):
            best = parts
    return best


def _of_short(folded: str) -> Iterator[str]:
    beginning = next((folded[:end] for end in range(1, len(folded)) if _tells(folded[:end])), "")
    end = next((folded[start:] for start in range(len(folded) - 1, 0, -1) if _tells(folded[start:])), "")
    yield from filter(None, (beginning, end))
    if len(folded) <= (MIN_DIGITS if folded.isdecimal() else MIN_EDITED_CHARS):
        return
    first, last = (len(folded) - len(end) if end else 0), (len(beginning) if beginning else len(folded))
    for at in range(first, last):
        yield folded[:at] + folded[at + 1 :]
        yield folded[:at] + folded[at : at + 2][::-1] + folded[at + 2 :]
    for at in range(first, last):
        alphabet = next((letters for letters in _CLASSES if folded[at] in letters), "")
        yield from (folded[:at] + other + folded[at + 1 :] for other in alphabet)


def _tells(part: str) -> bool:
    """Whether a part is long enough for what it consists of, and no piece of ordinary text without its blanks."""
    if part.isdecimal():
        return len(part) >= MIN_DIGITS
    if part.isalpha():
        return len(part) >= MIN_LETTERS and not is_ordinary(part)
    return len(part) >= MIN_MIXED_CHARS and not _reads_as_words(part)


def _is_own(edited: str) -> bool:
    return not (is_ordinary(edited) if edited.isalpha() else _reads_as_words(edited))


def _reads_as_words(part: str) -> bool:
    """Whether letters around a number may be the end of a word before it and the beginning of one after it."""
    runs = _RUN.findall(part)
    if len(runs) > 3:
        return False
    before = runs[0].isdecimal() or ends_common_word(runs[0])
    after = runs[-1].isdecimal() or begins_common_word(runs[-1])
    return before and after and (len(runs) < 3 or runs[1].isdecimal() or is_ordinary(runs[1]))
