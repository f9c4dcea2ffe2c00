"""What was acknowledged is there after the worst end, and an engine that dies is noticed and replaced."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import KEY, Server, free_port, start

pytestmark = pytest.mark.e2e
ENGINES = ("embedded",)
POSTS = 80


async def post_until_dead(server: Server, kill_after: int) -> list[str]:
    """Send all targets at once; kill the server after some answers; return the acknowledged ids."""
    acknowledged: list[str] = []
    headers = {"authorization": f"Bearer {KEY}"}
    limits = httpx.Limits(max_connections=POSTS)
    url = f"http://127.0.0.1:{server.admin_port}"
    async with httpx.AsyncClient(
        base_url=url, headers=headers, limits=limits, timeout=60, trust_env=False
    ) as client:

        async def post(number: int) -> None:
            body = {
                "name": f"Invented Person {number:03d}",
                "facts": [{"answer": f"They keep lamp {number:03d}."}],
            }
            try:
                answer = await client.post("/admin/v1/targets", json=body)
            except httpx.HTTPError:
                return
            assert answer.status_code == 201
            acknowledged.append(answer.json()["id"])
            if len(acknowledged) == kill_after:
                os.kill(server.process.pid, signal.SIGKILL)

        await asyncio.gather(*(post(number) for number in range(POSTS)))
    return acknowledged


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(line) for line in found.split()]


@pytest.fixture
def memory() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="lethe-test-", dir="/dev/shm")
    yield folder
    shutil.rmtree(folder)


def test_every_acknowledged_target_survives_kill_9_and_none_is_half_written(
    tmp_path: Path, shared: Path, memory: str
) -> None:
    # The engine's state does not matter here: targets are taken from the first moment on.
    flags = ("--engine", f"http://127.0.0.1:{free_port()}")
    encrypted = {"LETHE_ENCRYPTION_KEY": secrets.token_hex(32), "LETHE_MEMORY_DIR": memory}
    first = start(tmp_path, *flags, wait=False, **encrypted)
    wait_admin(first)
    acknowledged = asyncio.run(post_until_dead(first, kill_after=POSTS // 4))
    first.process.wait(10)
    first.close()
    assert POSTS // 4 <= len(acknowledged) < POSTS

    second = start(tmp_path, *flags, wait=False, **encrypted)
    try:
        wait_admin(second)
        listed = second.admin.get("/admin/v1/targets", params={"limit": 1000, "reveal": "true"}).json()["targets"]
        assert set(acknowledged) <= {target["id"] for target in listed}
        assert all(target["forbidden"] and target["facts"] and target["state"] == "active" for target in listed)
        events = second.admin.get("/admin/v1/audit", params={"limit": 1000}).json()["events"]
        assert [event["target_id"] for event in events] == [target["id"] for target in listed]
        assert second.admin.get("/admin/v1/policy").json()["version"] == len(listed)
    finally:
        second.stop()
    with sqlite3.connect(tmp_path / "data" / "lethe.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    files = [path.read_bytes().lower() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not any(word in content for content in files for word in (b"invented person", b"keep lamp"))
    keyless = start(tmp_path, *flags, wait=False)
    assert keyless.process.wait(60) == 1
    assert "encryption_key_missing" in keyless.tail()


def wait_admin(server: Server) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if server.admin.get("/admin/v1/policy").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(server.tail())


def test_a_dead_engine_fails_cleanly_turns_readiness_red_and_is_restarted(server: Server) -> None:
    body = {"model": server.model, "prompt": "The", "max_tokens": 900, "ignore_eos": True, "stream": True}
    with server.http.stream("POST", "/v1/completions", json=body) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("data: ")
        for child in children(server.process.pid):
            name = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"resource_tracker" not in name:
                os.kill(child, signal.SIGKILL)
        rest = [line for line in lines if line]
    assert rest[-1] == "data: [DONE]"
    assert '"error"' in rest[-2]
    deadline = time.monotonic() + 30
    while server.http.get("/readyz").status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert server.http.get("/readyz").status_code == 503
    assert server.http.post("/v1/completions", json=body).status_code == 503
    assert server.http.get("/livez").status_code == 200
    server.wait_ready()
    answer = server.http.post("/v1/completions", json=body | {"stream": False, "max_tokens": 4})
    assert answer.status_code == 200
