"""The processes of a fleet: two data planes, an engine of each, a balancer in front, and a PostgreSQL cluster."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import KEY, free_port
from tests.postgresql import Cluster, cluster

START_TIMEOUT_S = 240.0
MAX_STALENESS_S = 5.0
_HAPROXY = """
global
  maxconn 256
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  option redispatch
  retries 2
frontend clients
  bind 127.0.0.1:{port}
  default_backend planes
backend planes
  balance leastconn
  option httpchk GET /readyz
  http-response set-header x-served-by %s
"""


@dataclass
class Process:
    """A process that can be killed and started again at the same address; `url` says whether it is up."""

    name: str
    command: list[str]
    url: str
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LETHE_")} | self.environment
        with self.log.open("ab") as output:
            # A session of its own, so that what it has started dies with it.
            self.running = subprocess.Popen(
                self.command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, number)
            self.running.wait(30)

    async def up(self, client: httpx.AsyncClient) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.running is not None and self.running.poll() is not None:
                break
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(self.url, timeout=5)).status_code == 200:
                    return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{self.name} is not up:\n{self.log.read_text(errors='replace')[-3000:]}")


@dataclass
class Fleet:
    """A running fleet. `planes` and `engines` are in the same order, `admins` are the planes' admin addresses."""

    planes: list[Process]
    engines: list[Process]
    admins: list[str]
    balancer: Process
    database: Cluster

    @property
    def address(self) -> str:
        return self.balancer.url.removesuffix("/readyz")


def _engine(number: int, model: Path, folder: Path, port: int) -> Process:
    policy = folder / f"data{number}" / "policy"
    policy.mkdir(parents=True)
    command = [sys.executable, "-m", "vllm.entrypoints.launchers.api_server.entry", "--model", str(model)]
    command += ["--served-model-name", "demo", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--enforce-eager", "--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096"]
    command += ["--logprobs-mode", "processed_logprobs", "--disable-log-stats", "--disable-uvicorn-access-log"]
    command += ["--logits-processors", "guard.vllm_v1:RestrictionProcessor"]
    environment = {
        "LETHE_POLICY_DIR": str(policy),
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    url = f"http://127.0.0.1:{port}/health"
    return Process(f"engine{number}", command, url, folder / f"engine{number}.log", environment)


def _plane(number: int, folder: Path, port: int, admin_port: int, engine_port: int, database: str) -> Process:
    command = [sys.executable, "-m", "serving", "serve", "--port", str(port), "--admin-port", str(admin_port)]
    command += ["--data-dir", str(folder / f"data{number}"), "--engine", f"http://127.0.0.1:{engine_port}"]
    environment = {
        "LETHE_ADMIN_KEY": KEY,
        "LETHE_DATABASE": database,
        "LETHE_MAX_STALENESS": f"{MAX_STALENESS_S}",
        "LETHE_DESK": "false",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    url = f"http://127.0.0.1:{port}/readyz"
    return Process(f"plane{number}", command, url, folder / f"plane{number}.log", environment)


def _balancer(folder: Path, ports: list[int]) -> Process:
    port = free_port()
    servers = "".join(
        f"  server plane{number} 127.0.0.1:{each} check inter 200ms fall 1 rise 1\n"
        for number, each in enumerate(ports)
    )
    (folder / "haproxy.cfg").write_text(_HAPROXY.format(port=port) + servers)
    command = ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]
    return Process("balancer", command, f"http://127.0.0.1:{port}/readyz", folder / "haproxy.log")


@contextlib.contextmanager
def fleet(model: Path, folder: Path) -> Iterator[Fleet]:
    """Start a fleet of two, without waiting until it is up, and stop it at the end."""
    if shutil.which("haproxy") is None:
        pytest.skip("haproxy is not installed here (Debian: apt-get install haproxy)")
    ports, admin_ports, engine_ports = ([free_port() for _ in range(2)] for _ in range(3))
    with cluster() as database:
        engines = [_engine(number, model, folder, engine_ports[number]) for number in range(2)]
        planes = [
            _plane(number, folder, ports[number], admin_ports[number], engine_ports[number], database.url())
            for number in range(2)
        ]
        admins = [f"http://127.0.0.1:{port}" for port in admin_ports]
        started = Fleet(planes, engines, admins, _balancer(folder, ports), database)
        processes = [*engines, *planes, started.balancer]
        # Nobody but this process ends them: also where it is told to end.
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
        try:
            for process in processes:
                process.start()
            yield started
        finally:
            signal.signal(signal.SIGTERM, before)
            for process in reversed(processes):
                process.kill()
