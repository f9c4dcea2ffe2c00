from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from guard.errors import BadSettings, EngineUnavailable
from serving.bench import profile as module
from serving.bench.processes import Endpoint
from serving.bench.profile import Recording, py_spy, record, run
from serving.client import AdminClient

STAND_IN = """#!{python}
import json, sys, time
from pathlib import Path
flags = sys.argv[2:]
if "--fail" in {more!r}:
    sys.exit("Permission Denied: Try running again with elevated permissions")
time.sleep(0.2)
Path(flags[flags.index("--output") + 1]).write_text(json.dumps(sys.argv[1:]))
"""


def stand_in(folder: Path, more: str = "") -> str:
    """A program that is called as py-spy is, and writes what it was asked for."""
    file = folder / "py-spy"
    file.write_text(STAND_IN.format(python=sys.executable, more=more))
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


class Server:
    """A guarded server that streams three tokens at once."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.added: list[str] = []

    def respond(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path == "/v1/completions":
            self.asked.append(body)
            return httpx.Response(200, content=_events())
        self.added += [one["name"] for one in body["targets"]]
        return httpx.Response(201, json={"ids": [str(number) for number in range(len(body["targets"]))]})


async def _events() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"data: {}\n\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    server, client = Server(), httpx.AsyncClient

    async def respond(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.005)
        return server.respond(request)

    monkeypatch.setattr(
        httpx,
        "AsyncClient",
        lambda **more: client(transport=httpx.MockTransport(respond), base_url=more["base_url"]),
    )
    monkeypatch.setattr(Endpoint, "model", lambda self: "toy")
    monkeypatch.setattr(module, "py_spy", lambda: stand_in(tmp_path))
    return server


def test_what_runs_under_load_is_recorded_with_the_targets_in_force(server: Server, tmp_path: Path) -> None:
    admin = AdminClient("http://admin", "key", transport=httpx.MockTransport(server.respond))
    out, policy = tmp_path / "profile.svg", [{"name": f"t{number}"} for number in range(3)]
    answers = run(
        Endpoint("guarded", "http://data", admin, 4711), policy, Recording(4, 32, 5, out), lambda text: None
    )
    assert server.added == ["t0", "t1", "t2"]
    warm_up, recorded = server.asked[:8], server.asked[8:]
    assert {one["max_tokens"] for one in warm_up} == {16}
    assert len(recorded) == answers > 4
    assert {one["max_tokens"] for one in recorded} == {32}
    assert len({one["prompt"] for one in recorded}) == answers
    asked = json.loads(out.read_text())
    assert asked[0] == "record"
    assert "--subprocesses" in asked
    pairs = {("--pid", "4711"), ("--duration", "5"), ("--format", "flamegraph")}
    assert pairs <= {*pairwise(asked)}


@pytest.mark.anyio
async def test_why_nothing_could_be_recorded_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"Permission Denied.*SYS_PTRACE"):
        await record(stand_in(tmp_path, "--fail"), 1, 1, tmp_path / "profile.svg")


def test_without_py_spy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *args, **more: None)
    with pytest.raises(BadSettings, match="the extra 'profile'"):
        py_spy()


def test_py_spy_draws_the_functions_that_a_process_runs(tmp_path: Path) -> None:
    busy = "def lantern():\n    while True: pass\nlantern()"
    out = tmp_path / "profile.svg"
    with subprocess.Popen([sys.executable, "-c", busy]) as process:
        try:
            time.sleep(0.2)
            asyncio.run(record(py_spy(), process.pid, 1, out))
        except EngineUnavailable as error:
            pytest.skip(f"processes may not be traced here: {error.message}")
        finally:
            process.kill()
    assert "lantern" in out.read_text(encoding="utf-8")
