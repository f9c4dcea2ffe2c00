"""A Lethe server in a process of its own, started as a user would, for tests that need the real engine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import openai

KEY = "test-admin-key"
GUARDRAIL_KEY = "guardrail-key"
READY_TIMEOUT = 300.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Server:
    """A running server: its OpenAI client, its admin client, and its process."""

    process: subprocess.Popen[bytes]
    port: int
    admin_port: int
    log: Path
    eval_port: int = 0
    engine: str = "embedded"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def score_url(self) -> str:
        return f"http://127.0.0.1:{self.eval_port}"

    @cached_property
    def openai(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="unused", max_retries=0)

    @cached_property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=120, trust_env=False)

    @cached_property
    def admin(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.admin_url,
            headers={"authorization": f"Bearer {KEY}"},
            timeout=120,
            trust_env=False,
        )

    @cached_property
    def model(self) -> str:
        return str(self.openai.models.list().data[0].id)

    def wait_ready(self, timeout: float = READY_TIMEOUT) -> None:
        reason = ""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.tail()}")
            with contextlib.suppress(httpx.HTTPError):
                answer = self.http.get("/readyz")
                if answer.status_code == 200:
                    return
                reason = answer.text
            time.sleep(0.3)
        raise AssertionError(f"not ready in {timeout} s: {reason}\n{self.tail()}")

    def wait_unready(self, reason: str, timeout: float = 60) -> None:
        """Wait until the server says that it is not ready, and why."""
        said = ""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and reason not in said:
            with contextlib.suppress(httpx.HTTPError):
                answer = self.http.get("/readyz")
                assert answer.status_code == 503
                said = answer.text
            time.sleep(0.3)
        assert reason in said, self.tail()

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def forget(self, target: dict[str, Any]) -> dict[str, Any]:
        answer = self.admin.post("/admin/v1/targets", json=target, params={"wait": "applied", "reveal": "true"})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def remember(self, target_id: str) -> None:
        answer = self.admin.delete(f"/admin/v1/targets/{target_id}", params={"wait": "applied"})
        assert answer.status_code in (200, 204), answer.text

    def close(self) -> None:
        """Close the clients that were opened."""
        for name in ("openai", "http", "admin"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        return int(self.process.returncode)


def start(folder: Path, *flags: str, wait: bool = True, **environment: str) -> Server:
    """Start `lethe serve` with its data in `folder`; extra flags and environment as given."""
    folder.mkdir(parents=True, exist_ok=True)
    port, admin_port = free_port(), free_port()
    log = folder / "server.log"
    command = [sys.executable, "-m", "serving", "serve", "--port", str(port), "--admin-port", str(admin_port)]
    command += ["--data-dir", str(folder / "data"), *flags]
    env = {k: v for k, v in os.environ.items() if not k.startswith("LETHE_")}
    env |= {"LETHE_ADMIN_KEY": KEY, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=env)
    server = Server(process, port, admin_port, log)
    if wait:
        try:
            server.wait_ready()
        except BaseException:
            server.stop()
            raise
    return server


@contextlib.contextmanager
def serving(folder: Path, *flags: str, **environment: str) -> Iterator[Server]:
    """A server that is stopped at the end."""
    server = start(folder, *flags, **environment)
    try:
        yield server
    finally:
        server.stop()


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a benchmark file in JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
