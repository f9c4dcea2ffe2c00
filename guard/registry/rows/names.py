"""Names of active targets: folded for comparison, and searched in memory where the database has them sealed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from guard.registry.database import Connection
from guard.text.composition import compose
from guard.text.normalise import fold


def folded_name(name: str) -> str:
    """Return what two names of one kind may not have in common: the fold of the composed name in small letters."""
    return fold(compose(name).casefold())


class _Name(NamedTuple):
    position: int
    kind: str
    folded: str


OpenName = Callable[[Connection, str, int, bytes, str], str]
"""Returns the folded name of a target: of its id, its data key's number, its wrapped key, and the sealed name."""


class Names:
    """The folded names of all active targets, opened once and brought up to date by the policy version.

    Thread-safe. Reading all costs some 10 microseconds for each target, later calls what changed since.
    """

    def __init__(self, open_name: OpenName) -> None:
        self._open_name = open_name
        self._version = -1
        self._names: dict[str, _Name] = {}
        self._ids: dict[tuple[str, str], list[str]] = {}
        self._lock = threading.Lock()

    def ids_of(self, connection: Connection, kind: str, folded: str) -> list[str]:
        """Return the ids of the active targets of this kind and folded name."""
        with self._lock:
            self._update(connection)
            return list(self._ids.get((kind, folded), ()))

    def positions(self, connection: Connection, part: str) -> list[int]:
        """Return the positions of the active targets whose folded name contains `part`, in their order."""
        with self._lock:
            self._update(connection)
            return sorted(name.position for name in self._names.values() if part in name.folded)

    def _update(self, connection: Connection) -> None:
        values: tuple[int, ...]
        version = int(connection.execute("SELECT version FROM policy").fetchone()[0])
        if version == self._version:
            return
        if version < self._version:
            # A database that lost changes, or a transaction that began before the last call.
            self._version = -1
        condition, values = "id IN (SELECT target_id FROM events WHERE policy_version > ?)", (self._version,)
        if self._version < 0:
            self._names.clear()
            self._ids.clear()
            condition, values = "state = 'active'", ()
        for id, name in list(self._rows(connection, condition, values)):
            self._replace(id, name)
        self._version = version

    def _replace(self, id: str, name: _Name | None) -> None:
        before = self._names.pop(id, None)
        if before is not None:
            self._ids[before.kind, before.folded].remove(id)
            if not self._ids[before.kind, before.folded]:
                del self._ids[before.kind, before.folded]
        if name is not None:
            self._names[id] = name
            self._ids.setdefault((name.kind, name.folded), []).append(id)

    def _rows(
        self, connection: Connection, condition: str, values: tuple[Any, ...]
    ) -> Iterator[tuple[str, _Name | None]]:
        columns = "id, state, seq, kind, folded_name, data_key, target_key"
        rows = connection.execute(f"SELECT {columns} FROM targets WHERE {condition}", values)
        for id, state, position, kind, sealed, data_key, target_key in rows:
            if state != "active":
                yield id, None
            else:
                yield id, _Name(position, kind, self._open_name(connection, id, data_key, target_key, sealed))
