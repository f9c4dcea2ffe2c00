"""The files that every worker must have loaded, published through the policy folder with the policy's version."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from guard.errors import PolicyUnavailable
from guard.files import write_atomically

FILE_NAME = "required"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Required(NamedTuple):
    """The version of a policy, and the digests of the automata that answers under it are most likely to need.

    Those of every answer, and those of what has just changed. Others are loaded once a request names them.
    """

    version: int
    digests: tuple[str, ...]


def publish_required(folder: Path, version: int, digests: Iterable[str]) -> None:
    """Publish atomically what workers must load; the automata must already be written. The folder is made.

    Raises PolicyUnavailable when the file cannot be written.
    """
    text = "".join(f"{line}\n" for line in (version, *sorted(set(digests))))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not durable: every start of a server publishes again.
        write_atomically(folder / FILE_NAME, text, durable=False, private=True)
    except OSError as error:
        raise PolicyUnavailable("the policy folder cannot be written") from error


class RequiredFile:
    """Reads what was last published into `folder`; polling an unchanged file costs one stat."""

    def __init__(self, folder: Path) -> None:
        self._path = os.fspath(folder / FILE_NAME)
        self._seen: tuple[int, int] | None = None

    def poll(self) -> Required | None:
        """Return what workers must load if it was published since the last call, else None.

        Raises PolicyUnavailable for a file that cannot be read; the next call tries again.
        """
        try:
            stat = os.stat(self._path)
            mark = stat.st_ino, stat.st_mtime_ns
            if mark == self._seen:
                return None
            first, *digests = Path(self._path).read_text().split()
            version = int(first)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise PolicyUnavailable("the policy folder cannot be read") from error
        if not all(map(_DIGEST.fullmatch, digests)):
            raise PolicyUnavailable("the policy folder names what is no automaton")
        self._seen = mark
        return Required(version, tuple(digests))
