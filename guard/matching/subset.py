"""An automaton without some of its phrases, made from its arrays: nothing is compiled.

Its file names the whole automaton and the numbers of the phrases that are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from guard.errors import PolicyUnavailable
from guard.files import write_atomically
from guard.matching.automaton import Automaton
from guard.matching.automaton_file import path_of

MAGIC = b"LETHESUB"
MAX_KEPT = 16
"""Automata less some phrases that a cache keeps: their own arrays are in memory, those of whole ones in files."""
_DIGEST_BYTES = 64


def without(automaton: Automaton, phrases: Collection[int], digest: str = "") -> Automaton:
    """Return the automaton without the phrases of these indices; the others keep theirs.

    `digest` is its own; without one it has that of the whole.
    """
    arrays = automaton.arrays
    # By number of a phrase; the last is that of no phrase, -1.
    numbers = np.fromiter(phrases, np.int64, len(phrases))
    is_removed = np.zeros(max(arrays.phrase.max(initial=0), numbers.max(initial=0)) + 2, np.bool_)
    is_removed[numbers] = True
    removed = is_removed[arrays.phrase]
    link = arrays.link.copy()
    while len(skipped := np.nonzero(link)[0]):
        at = np.searchsorted(arrays.ends, link[skipped])
        skipped, at = skipped[removed[at]], at[removed[at]]
        if not len(skipped):
            break
        link[skipped] = arrays.link[at]
    phrase = np.where(removed, np.int32(-1), arrays.phrase)
    accepting = arrays.accepting.copy()
    accepting[arrays.ends[(phrase < 0) & (link == 0)]] = False
    table = arrays._replace(accepting=accepting, phrase=phrase, link=link)
    bordered = automaton.bordered and without(automaton.bordered, phrases, digest)
    return Automaton(digest or automaton.digest, table, bordered)


def write(folder: Path, whole: str, phrases: Collection[int]) -> str:
    """Write the file of the automaton of digest `whole` without these phrases; return the digest of what is left.

    Raises PolicyUnavailable when it cannot be written.
    """
    content = MAGIC + whole.encode() + np.sort(np.fromiter(phrases, "<i4", len(phrases))).tobytes()
    digest = hashlib.sha256(content).hexdigest()
    try:
        # Not durable: every start compiles anew what is in force.
        write_atomically(path_of(folder, digest), content, durable=False, private=True)
    except OSError as error:
        raise PolicyUnavailable("a compiled policy file cannot be written") from error
    return digest


def is_subset(automaton: Automaton) -> bool:
    """Whether some phrases of the automaton were left out: its arrays are its own then."""
    return bool(automaton.arrays.accepting.flags.owndata)


def attach(folder: Path, digest: str, whole: Callable[[str], Automaton] | None = None) -> Automaton:
    """Return the automaton of this digest, whose file is that of a whole one or of a part of one.

    `whole` returns the whole one by its digest; None: it is mapped again. Raises PolicyUnavailable when a file is
    missing, incomplete, or not what its name says.
    """
    try:
        with path_of(folder, digest).open("rb") as file:
            content = file.read(len(MAGIC))
            if content != MAGIC:
                return Automaton.attach(folder, digest)
            content += file.read()
    except OSError as error:
        raise PolicyUnavailable("a compiled policy file is missing or damaged") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise PolicyUnavailable("a compiled policy file is missing or damaged")
    names = content[len(MAGIC) : len(MAGIC) + _DIGEST_BYTES].decode()
    phrases = np.frombuffer(content, "<i4", offset=len(MAGIC) + _DIGEST_BYTES).tolist()
    return without(whole(names) if whole else Automaton.attach(folder, names), phrases, digest)
