"""The acknowledgement of a worker: who it is, and the policy version whose files it has loaded.

It is a file in the policy folder, `workers/ID.json`, which its worker writes again as its heartbeat. vLLM's own
server has no route by which its workers could be asked, and a folder that both see is there already.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from guard.files import write_atomically

FOLDER_NAME = "workers"
MAX_ASKED = 32
MARK_CHARS = 16


def mark_of(digest: str) -> str:
    """Return the beginning of a digest, which tells it from others."""
    return digest[:MARK_CHARS]


class Asked:
    """The marks of the last automata that requests named and that were not required, noted by the steps' thread.

    A self-test names an automaton that nobody else does, so that a server knows which workers it has asked.
    """

    def __init__(self) -> None:
        self.latest: tuple[str, ...] = ()

    def note(self, digest: str) -> None:
        """Note that a request has named this automaton."""
        mark = mark_of(digest)
        if mark not in self.latest:
            self.latest = (*self.latest, mark)[-MAX_ASKED:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What a worker says of itself.

    id         of the process
    engine     the same for all workers of an engine
    rank       its number among them; `first` to `ranks - 1` are those that sample
    place, pid where the process runs: a system of processes, and its number there
    processor  the version of Lethe that it runs
    version    the policy version that it has loaded, -1 before the first
    failure    the class of the error that keeps it from loading a later one, or ""
    asked      the beginnings of the digests of the last automata that requests named and that were not required
    """

    id: str
    engine: str
    rank: int
    first: int
    ranks: int
    place: str
    pid: int
    processor: str
    version: int = -1
    failure: str = ""
    asked: tuple[str, ...] = ()

    @property
    def is_gone(self) -> bool:
        """Whether its process is known to have ended. Of one elsewhere that is not known."""
        if self.place != place():
            return False
        try:
            os.kill(self.pid, 0)
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except ProcessLookupError:
            return True
        except OSError:
            return False
        # One that was killed, and that its parent has not asked after, still has its number.
        return stat.rpartition(")")[2].split()[:1] == ["Z"]


def of_this_process(config: Any) -> Acknowledgement:
    """Return who this worker is by vLLM's configuration, with nothing loaded yet."""
    parallel = getattr(config, "parallel_config", None)
    ranks = int(getattr(parallel, "world_size", 1))
    # With pipeline parallelism the last stage samples.
    sampling = int(getattr(parallel, "tensor_parallel_size", 1))
    replica = int(getattr(parallel, "data_parallel_index", 0))
    return Acknowledgement(
        id=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
        engine=f"{getattr(config, 'instance_id', '')}-{replica}",
        rank=int(getattr(parallel, "rank", 0)),
        first=max(0, ranks - sampling),
        ranks=ranks,
        place=place(),
        pid=os.getpid(),
        processor=_version(),
    )


def place() -> str:
    """Return what tells systems of processes apart: a process number means the same within one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def write(folder: Path, acknowledgement: Acknowledgement) -> None:
    """Write the file of an acknowledgement into the policy folder, or write it again. Raises OSError."""
    workers = folder / FOLDER_NAME
    workers.mkdir(mode=0o700, exist_ok=True)
    text = json.dumps(asdict(acknowledgement))
    write_atomically(workers / f"{acknowledgement.id}.json", text, durable=False, private=True)


def read(path: Path) -> Acknowledgement | None:
    """Return the acknowledgement in a file; None for one that is gone, or of another version of Lethe."""
    try:
        return of_members(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def of_members(members: Any) -> Acknowledgement:
    """Return the acknowledgement of these members of a JSON object. Raises TypeError and ValueError."""
    if not isinstance(members, dict):
        raise TypeError("not an object")
    asked = tuple(members.pop("asked", ()))
    if len(asked) > MAX_ASKED or not all(isinstance(mark, str) and len(mark) <= MARK_CHARS for mark in asked):
        raise ValueError("not marks of automata")
    return Acknowledgement(**members, asked=asked)


def loaded(acknowledgement: Acknowledgement, version: int, failure: str) -> Acknowledgement:
    """Return the acknowledgement of the same worker with another state."""
    return replace(acknowledgement, version=version, failure=failure)


def _version() -> str:
    try:
        return installed("lethe")
    except PackageNotFoundError:
        return ""
