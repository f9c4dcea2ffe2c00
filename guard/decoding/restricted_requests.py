"""The requests that a worker restricts: their rows by the arguments of each, and the live automata of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from guard.decoding.batch import RestrictedBatch
from guard.decoding.request_args import EngineArgs
from guard.decoding.restriction import RestrictionCache
from guard.decoding.vocabulary import Vocabulary
from guard.matching.live_automata import Live, LiveAutomata
from guard.workers.acknowledgement import Acknowledgement
from guard.workers.source import Source


class RestrictedRequests:
    """The restricted rows of a worker, whose automata are attached from a policy folder. `rows` are its batch."""

    def __init__(self, folder: Path, vocabulary: Vocabulary, own: Acknowledgement | None = None) -> None:
        """Raise ModelUnavailable for a vocabulary that cannot be restricted.

        `own` is who this worker is: it then loads what is required of it in a thread, and acknowledges it.
        """
        # Read with word borders now, which takes a second for 128,000 tokens: later, a batch would wait for it.
        vocabulary.bordered  # noqa: B018
        self.rows = RestrictedBatch(vocabulary)
        self._restrictions = RestrictionCache(Source(folder, own), vocabulary)
        self._live = LiveAutomata(folder)
        self._published = Live()
        self._pending: Live | None = None

    def put(
        self,
        index: int,
        extra_args: Mapping[str, object] | None,
        prompt: Sequence[int] | None,
        output: Sequence[int],
        *,
        prints_special: bool,
    ) -> bool:
        """Follow a request at a free index; return whether anything can ever restrict it, now or later.

        prompt is None for one of embeddings, output the live list of generated tokens. Raises ValueError for
        malformed arguments or a prompt that cannot be read, and PolicyUnavailable for an automaton that cannot be
        attached: the caller must then close the row.
        """
        args = EngineArgs.load_restriction(extra_args)
        if args.unrestricted:
            # Not followed, so that the live automata do not reach it either.
            return False
        if args.closed:
            self.rows.close(index)
            return True
        restrictions = [self._restrictions.get(digest) for digest in args.automata]
        if restrictions and prompt is None:
            raise ValueError("a prompt of embeddings cannot be read")
        self.rows.put(
            index,
            restrictions,
            [] if prompt is None else prompt,
            output,
            args.backtracking,
            prints_special=prints_special,
            policy_set=args.policy_set,
        )
        return True

    def reload_live(self) -> None:
        """Restrict every row by a newly published live list; retry at each step until all of it is attached."""
        live = self._live.poll()
        if live is not None:
            self._pending = live
        if self._pending is not None:
            restriction = {digest: self._restrictions.get(digest) for digest in self._pending.digests}
            of_sets = {id: [restriction[one] for one in own] for id, own in self._pending.of_sets.items()}
            self.rows.set_global([restriction[digest] for digest in self._pending.every], of_sets)
            self._restrictions.drop(self._published.digests - self._pending.digests)
            self._published, self._pending = self._pending, None
