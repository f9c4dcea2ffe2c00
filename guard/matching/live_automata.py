"""The live list: digests of the automata that hold for every row now, published through the policy folder.

A request names the automata it starts under. Phrases added to scope `always` while its answer is running reach
that answer through this file, which workers poll before every step.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from guard.errors import PolicyUnavailable
from guard.files import write_atomically

FILE_NAME = "standing"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def publish(folder: Path, digests: Sequence[str]) -> None:
    """Publish atomically that these automata hold for every row; their files must already be written.

    Raises PolicyUnavailable when the file cannot be written.
    """
    text = "".join(f"{digest}\n" for digest in digests)
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

    def poll(self) -> tuple[str, ...] | None:
        """Return the digests that hold for every row if they were published since the last call, else None.

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
            digests = tuple(Path(self._path).read_text().split())
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyUnavailable("the policy folder cannot be read") from error
        if not all(_DIGEST.fullmatch(digest) for digest in digests):
            raise PolicyUnavailable("the policy folder names what is no automaton")
        self._seen = mark
        return digests
