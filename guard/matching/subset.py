"""An automaton without some of its phrases, made from its arrays: nothing is compiled."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from guard.matching.automaton import Automaton


def without(automaton: Automaton, phrases: Collection[int]) -> Automaton:
    """Return the automaton without the phrases of these indices; the others keep theirs."""
    arrays = automaton.arrays
    removed = np.isin(arrays.phrase, np.fromiter(phrases, np.int32, len(phrases)))
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
    return Automaton(automaton.digest, table, automaton.bordered and without(automaton.bordered, phrases))
