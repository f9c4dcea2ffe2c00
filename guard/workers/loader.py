"""Loads in a worker, in a thread beside its steps, what a server requires, and acknowledges it."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from guard.matching import subset
from guard.matching.automaton import Automaton
from guard.workers import acknowledgement
from guard.workers.acknowledgement import Acknowledgement, Asked
from guard.workers.required import Required, RequiredFile

Attach = Callable[[str, Callable[[str], Automaton]], Automaton]

log = logging.getLogger(__name__)

POLL_S = 0.005
RETRY_S = 0.5
HEARTBEAT_S = 1.0


class Loader:
    """The automata that are required of the worker `own`, by digest, attached from `folder`.

    `start` begins a thread that ends with this object. Steps read `loaded` from their own thread.
    """

    def __init__(
        self, folder: Path, own: Acknowledgement, attach: Attach | None = None, asked: Asked | None = None
    ) -> None:
        """`attach` returns an automaton by its digest; by default one of `folder`. Heartbeats tell `asked`."""
        self._asked = asked or Asked()
        self._attach = attach or partial(subset.attach, folder)
        self.loaded: Mapping[str, Automaton] = {}
        self._folder = folder
        self._file = RequiredFile(folder)
        self._required: Required | None = None
        self._state = own
        self._written: Acknowledgement | None = None
        self._next_load = self._next_beat = 0.0
        self._is_refused = False

    def start(self) -> None:
        """Load and acknowledge from now on, in a thread."""
        threading.Thread(target=_run, args=(weakref.ref(self),), name="lethe-loader", daemon=True).start()

    def poll(self) -> None:
        """Load what was published since the last call, and write the acknowledgement if it is due; never raise."""
        now = time.monotonic()
        if now >= self._next_load:
            try:
                self._load()
            except Exception as error:
                self._next_load = now + RETRY_S
                self._state = acknowledgement.loaded(self._state, self._state.version, type(error).__name__)
        # Nothing is said before there is something to say: a server would wait for it in vain.
        has_said = self._state.version >= 0 or self._state.failure
        if has_said and (self._state is not self._written or now >= self._next_beat):
            self._acknowledge(now)

    def _load(self) -> None:
        if (published := self._file.poll()) is not None:
            self._required = published
        if (required := self._required) is None:
            return
        self.loaded = load(required.digests, self.loaded, self._attach)
        self._state = acknowledgement.loaded(self._state, required.version, "")
        self._required = None

    def _acknowledge(self, now: float) -> None:
        try:
            acknowledgement.write(self._folder, replace(self._state, asked=self._asked.latest))
            self._is_refused = False
        except OSError as error:
            if not self._is_refused:
                log.error("the policy is not acknowledged: %s", type(error).__name__)
            self._is_refused = True
        self._written, self._next_beat = self._state, now + HEARTBEAT_S


def load(digests: Iterable[str], before: Mapping[str, Automaton], attach: Attach) -> dict[str, Automaton]:
    """Return the automata of these digests, and those that they are parts of: as `before`, or else attached."""
    loaded: dict[str, Automaton] = {}
    for digest in digests:
        _load_one(digest, loaded, before, attach)
    return loaded


def _load_one(
    digest: str, loaded: dict[str, Automaton], before: Mapping[str, Automaton], attach: Attach
) -> Automaton:
    # No closure that calls itself: as a cycle it would keep automata that have ended mapped.
    if digest not in loaded:
        whole = partial(_load_one, loaded=loaded, before=before, attach=attach)
        loaded[digest] = before.get(digest) or attach(digest, whole)
    return loaded[digest]


def _run(reference: weakref.ref[Loader]) -> None:
    while (loader := reference()) is not None:
        loader.poll()
        del loader
        time.sleep(POLL_S)
