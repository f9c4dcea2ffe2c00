"""Where a worker has automata from: the policy folder of a server, or one of its own that it fills over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from weakref import WeakValueDictionary

from guard.matching import subset
from guard.matching.automaton import Automaton
from guard.workers.acknowledgement import Acknowledgement, Asked
from guard.workers.fetching import Follower, Servers
from guard.workers.loader import Loader


class Source:
    """The automata of a policy folder, by digest. `own` is the worker that acknowledges what it has loaded.

    Where the environment names servers (LETHE_POLICY_URL), files are fetched from them into the folder. Raises
    PolicyUnavailable if it names them without a token.
    """

    def __init__(self, folder: Path, own: Acknowledgement | None = None) -> None:
        self._attached = _Attached(folder)
        self._servers = Servers.of_environment(folder) if own is not None else None
        self._loaders: Sequence[Loader | Follower] = ()
        self._asked = Asked()
        if own is not None:
            followed = self._servers
            self._loaders = (
                [Loader(folder, own, self._attached.attach, self._asked)]
                if followed is None
                else [Follower(followed, url, own, self._asked) for url in followed.urls]
            )
        for loader in self._loaders:
            loader.start()

    def attach(self, digest: str, whole: Callable[[str], Automaton]) -> Automaton:
        """Return the automaton of this digest, attached before or now; `whole` returns one that it is a part of.

        Raises PolicyUnavailable when its file is missing, incomplete, or not what its name says.
        """
        for loader in self._loaders:
            if (automaton := loader.loaded.get(digest)) is not None:
                return automaton
        self._asked.note(digest)
        if self._servers is not None:
            return self._servers.attach(digest, whole)
        return self._attached.attach(digest, whole)


class _Attached:
    """The automata of a folder that are in use: what the loader's thread has mapped, a step does not map again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._known: WeakValueDictionary[str, Automaton] = WeakValueDictionary()

    def attach(self, digest: str, whole: Callable[[str], Automaton]) -> Automaton:
        with self._lock:
            automaton = self._known.get(digest)
            if automaton is None:
                automaton = self._known[digest] = subset.attach(self._folder, digest, whole)
            return automaton
