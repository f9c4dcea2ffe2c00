"""What a policy folder publishes to workers: the version in force, what they must load, and the live automata."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from guard.matching.live_automata import Live, LiveAutomata
from guard.workers.required import Required, RequiredFile

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SET = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Published:
    """The version, the digests that workers must have loaded, and those that hold for every row; by its id, those
    for the rows of a policy set."""

    version: int
    required: tuple[str, ...]
    live: tuple[str, ...]
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def loaded(self) -> frozenset[str]:
        """All digests that it names."""
        return frozenset(self.required).union(self.live, *self.sets.values())

    @property
    def digest(self) -> str:
        """A digest of all of it."""
        return hashlib.sha256(self.dump()).hexdigest()

    def dump(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, content: bytes) -> Published:
        """Read it from JSON. Raises ValueError."""
        try:
            members = json.loads(content)
            sets = {id: tuple(own) for id, own in members.get("sets", {}).items()}
            published = cls(int(members["version"]), tuple(members["required"]), tuple(members["live"]), sets)
            if all(map(_DIGEST.fullmatch, published.loaded)) and all(map(_SET.fullmatch, sets)):
                return published
        except (KeyError, TypeError, AttributeError):
            pass
        raise ValueError("not what a server publishes")


class PublishedFolder:
    """Reads what a policy folder publishes; an unchanged folder costs two stats."""

    def __init__(self, folder: Path) -> None:
        self._required_file = RequiredFile(folder)
        self._live_file = LiveAutomata(folder)
        self._required: Required | None = None
        # There is no file of them before the first.
        self._live = Live()
        self._published: Published | None = None

    def poll(self) -> Published | None:
        """Return what the folder publishes now, None before the first policy. Raises PolicyUnavailable."""
        # The live automata are published first, so that those read last are never of an earlier version.
        required, live = self._required_file.poll(), self._live_file.poll()
        self._required = required or self._required
        self._live = self._live if live is None else live
        if self._required is None:
            return None
        if required is not None or live is not None or self._published is None:
            self._published = Published(*self._required, self._live.every, dict(self._live.of_sets))
        return self._published
