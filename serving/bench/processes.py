"""Starts the two servers under comparison, on the same machine and with the same flags."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import httpx

from guard.errors import EngineUnavailable
from serving.client import AdminClient
from serving.client.requests import TargetDraft
from serving.engine.embedded import on_cpu, prepare_environment, shared_flags
from serving.http.listening import listen
from serving.settings import Settings

START_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that answers at `url`; `admin` reaches the guarded one's admin plane."""

    name: str
    url: str
    admin: AdminClient | None = None
    pid: int = 0

    def model(self) -> str:
        """Return the name of the model that it serves."""
        answer = httpx.get(f"{self.url}/v1/models", timeout=60, trust_env=False).json()
        return str(answer["data"][0]["id"])

    def memory(self) -> int:
        """Return the memory of its processes in bytes, shared pages counted once (PSS); Linux only."""
        return sum(map(_pss, process_tree(self.pid)))

    def processor_s(self) -> float:
        """Return the seconds of processor time of its processes, and of those that have ended; Linux only."""
        return sum(map(_processor_s, process_tree(self.pid)))

    def forget(self, targets: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add targets to the guarded server; return their ids once they are enforced."""
        assert self.admin is not None
        return list(self.admin.add_many(cast(Sequence[TargetDraft], targets)).ids)

    def remember(self, ids: list[str]) -> None:
        """Revoke targets."""
        assert self.admin is not None
        for target_id in ids:
            self.admin.revoke(target_id, wait_s=None)


@contextlib.contextmanager
def stock(model: str, folder: Path) -> Iterator[Endpoint]:
    """Run vLLM's own server, without anything of Lethe."""
    cpu = on_cpu()
    # The same engine environment as the guarded server's, or the ratio would compare settings.
    prepare_environment(Settings(data_dir=folder / "stock"), cpu)
    port = _free_port()
    command = ["-m", "vllm.entrypoints.launchers.api_server.entry", "--model", model, "--port", str(port)]
    command += ["--host", "127.0.0.1", *shared_flags(Settings(), model, cpu)]
    with _process(command, folder / "stock.log", {}, f"http://127.0.0.1:{port}/health") as pid:
        yield Endpoint("stock vLLM", f"http://127.0.0.1:{port}", pid=pid)


@contextlib.contextmanager
def guarded(model: str, folder: Path, environment: Mapping[str, str] = MappingProxyType({})) -> Iterator[Endpoint]:
    """Run a Lethe server with an empty policy; `environment` holds further settings."""
    port, admin_port, key = _free_port(), _free_port(), secrets.token_urlsafe(16)
    command = ["-m", "serving", "serve", "--model", model, "--port", str(port), "--admin-port", str(admin_port)]
    command += ["--data-dir", str(folder / "guarded")]
    url = f"http://127.0.0.1:{port}"
    with (
        _process(
            command,
            folder / "guarded.log",
            {"LETHE_DATABASE": "", **environment, "LETHE_ADMIN_KEY": key},
            f"{url}/readyz",
        ) as pid,
        AdminClient(f"http://127.0.0.1:{admin_port}", key) as admin,
    ):
        yield Endpoint("guarded", url, admin, pid)


def process_tree(pid: int) -> Iterator[int]:
    """Yield the process and all that it has started, as far as they run; Linux only."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text(encoding="ascii").split():
                yield from process_tree(int(child))


def _pss(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def _free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


def _processor_s(pid: int) -> float:
    # Behind the name of the program: user and system time, and both again of children that were waited for.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _process(command: list[str], log: Path, environment: dict[str, str], ready: str) -> Iterator[int]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=output, stderr=subprocess.STDOUT, env=os.environ | environment
        )
    try:
        _wait(process, ready)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(process: subprocess.Popen[bytes], ready: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(ready, timeout=5, trust_env=False).status_code == 200:
                return
        time.sleep(0.3)
    raise EngineUnavailable("a server under measurement did not become ready; its log lies in the bench folder")
