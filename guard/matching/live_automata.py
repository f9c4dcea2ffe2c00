"""The live list: digests of the automata that hold for every row now, published through the policy folder.

A request names the automata it starts under. Phrases added to scope `always` while its answer is running reach
that answer through this file, which workers poll before every step. Rows of a policy set have a list of their own
in it, below a line with its id.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from guard.errors import PolicyUnavailable
from guard.files import write_atomically

FILE_NAME = "standing"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SET = re.compile(r"@[0-9a-f]{16}")


class Live(NamedTuple):
    """The digests that hold for every row but those of policy sets, and by the id of each those for its rows."""

    every: tuple[str, ...] = ()
    of_sets: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    @property
    def digests(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self.every).union(*self.of_sets.values())


def publish(
    folder: Path, digests: Sequence[str], of_sets: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> None:
    """Publish atomically that these automata hold for every row; `of_sets`: for those of a policy set, by its id.

    Their files must already be written. Raises PolicyUnavailable when the file cannot be written.
    """
    lines = [*digests, *(line for id, own in sorted(of_sets.items()) for line in (f"@{id}", *own))]
    text = "".join(f"{line}\n" for line in lines)
    try:
        if _read(folder / FILE_NAME) == text:
            return
        # Not durable: every start of a server publishes again.
        write_atomically(folder / FILE_NAME, text, durable=False, private=True)
    except OSError as error:
        raise PolicyUnavailable("the policy folder cannot be written") from error


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


class LiveAutomata:
    """Reads the list last published into `folder`; polling an unchanged list costs one stat."""

    def __init__(self, folder: Path) -> None:
        # Built once, as it is needed before every step.
        self._path = os.fspath(folder / FILE_NAME)
        self._seen: tuple[int, int] | None = None

    def poll(self) -> Live | None:
        """Return what holds for every row if it was published since the last call, else None.

        Raises PolicyUnavailable for a file that cannot be read; the next call tries again.
        """
        try:
            stat = os.stat(self._path)
        except FileNotFoundError:
            return None
        mark = stat.st_ino, stat.st_mtime_ns
        if mark == self._seen:
            return None
        try:
            lines = Path(self._path).read_text().split()
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyUnavailable("the policy folder cannot be read") from error
        if not all(_DIGEST.fullmatch(line) or _SET.fullmatch(line) for line in lines):
            raise PolicyUnavailable("the policy folder names what is no automaton")
        self._seen = mark
        lists: dict[str, list[str]] = {"": []}
        id = ""
        for line in lines:
            if line.startswith("@"):
                id = line.removeprefix("@")
                lists[id] = []
            else:
                lists[id].append(line)
        every = tuple(lists.pop(""))
        return Live(every, {id: tuple(own) for id, own in lists.items()})
