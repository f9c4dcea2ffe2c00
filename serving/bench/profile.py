"""`lethe bench profile`: a flame graph of the server and of its engine's workers under load, drawn by py-spy."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from guard.errors import BadSettings, EngineUnavailable
from serving.bench.load import closed_loop, prompts, stream_times
from serving.bench.processes import Endpoint
from serving.bench.run import BATCH

SAMPLES_PER_S = 100
TIMEOUT_S = 300.0
WARM_UP_TOKENS = 16


class Recording(NamedTuple):
    """`clients` stream answers of `tokens` tokens, one after the other, while `seconds` are recorded to `out`."""

    clients: int
    tokens: int
    seconds: int
    out: Path


def run(server: Endpoint, policy: list[dict[str, Any]], wanted: Recording, say: Callable[[str], None]) -> int:
    """Record the guarded server with these targets in force; return how many answers were streamed meanwhile.

    No prompt touches a target. Only threads that run are sampled, so that waiting takes no width. Raises
    BadSettings without py-spy, and EngineUnavailable where it may not look into another process.
    """
    recorder, model = py_spy(), server.model()
    for first in range(0, len(policy), BATCH):
        say(f"{len(policy):,} targets: adding them")
        server.forget(policy[first : first + BATCH])
    say("warming up")
    few = wanted._replace(tokens=min(wanted.tokens, WARM_UP_TOKENS))
    asyncio.run(_load(server.url, model, few, itertools.repeat(True, 2 * wanted.clients)))
    say(f"recording {wanted.seconds} s under {wanted.clients} clients")
    return asyncio.run(_recorded(recorder, server, model, wanted))


def py_spy() -> str:
    """Return the path of py-spy, beside the interpreter or on the PATH; BadSettings if it is not installed."""
    found = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if found is None:
        raise BadSettings("py-spy is not installed: it comes with the extra 'profile'")
    return found


async def record(recorder: str, pid: int, seconds: int, out: Path) -> None:
    """Write a flame graph of a process and its children to `out`; EngineUnavailable if it cannot be had."""
    flags = ["--pid", str(pid), "--subprocesses", "--threads", "--nonblocking", "--rate", str(SAMPLES_PER_S)]
    flags += ["--duration", str(seconds), "--format", "flamegraph", "--output", str(out)]
    process = await asyncio.create_subprocess_exec(
        recorder, "record", *flags, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, told = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        raise
    if process.returncode:
        why = told.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise EngineUnavailable(f"py-spy recorded nothing ({why[0]}); it needs the right to trace (SYS_PTRACE)")


async def _recorded(recorder: str, server: Endpoint, model: str, wanted: Recording) -> int:
    recording = asyncio.create_task(record(recorder, server.pid, wanted.seconds, wanted.out))
    try:
        answers = await _load(server.url, model, wanted, iter(lambda: not recording.done(), False))
        await recording
    finally:
        recording.cancel()
    return answers


async def _load(url: str, model: str, wanted: Recording, going: Iterator[bool]) -> int:
    """Stream answers, as many as `going` has items; return how many."""
    answers = 0
    limits = httpx.Limits(max_connections=wanted.clients)
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits, trust_env=False) as http:

        async def send(prompt: str) -> None:
            nonlocal answers
            await stream_times(http, model, prompt, wanted.tokens, [])
            answers += 1

        asked = (prompt for _, prompt in zip(going, prompts(wanted.tokens), strict=False))
        await closed_loop(asked, wanted.clients, send)
    return answers
