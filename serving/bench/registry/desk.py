"""`lethe bench desk`: how long the desk takes to list targets, of which there are many."""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, cast
from urllib.parse import urlencode

import httpx
from pydantic import SecretStr

from guard.registry.keys.keyring import Keyring
from guard.registry.registry import Registry
from guard.targets.target import Draft, Kind
from serving.admin.service import AdminService
from serving.bench.invented import invented_name
from serving.bench.load import median
from serving.desk.app import create_desk
from serving.desk.pages.targets import LIST

BATCH = 2_000
"""Targets that are stored under one policy version."""
MAX_BODY_BYTES = 100_000
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Listed(NamedTuple):
    """Milliseconds of each request for a page of the list."""

    page: str
    times: Sequence[float]

    @property
    def p50(self) -> float:
        """The median."""
        return median(self.times)


def run(targets: int, requests: int, say: Callable[[str], None]) -> list[Listed]:
    """Fill a registry with so many targets, and ask for each page of its list so many times."""
    with (
        tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder,
        closing(Registry(Path(folder) / "registry.db")) as registry,
    ):
        ids = _fill(registry, targets, say)
        name = registry.get(ids[-1]).draft.name
        pages = {
            "first": {},
            "in the middle": {"after": ids[len(ids) // 2]},
            "of one kind": {"kind": Kind.WORK.value},
            "found by a name": {"q": name},
            "found by a part of names": {"q": name[:4]},
            "nothing found": {"q": "nobody is called so"},
        }
        return asyncio.run(_measure(registry, pages, requests, say))


def markdown(listed: Sequence[Listed]) -> str:
    """Return the table of what was measured."""
    rows = [f"| {one.page} | {one.p50:.0f} | {max(one.times):.0f} |" for one in listed]
    return "\n".join(["| page of the list | p50, ms | longest, ms |", "| --- | --- | --- |", *rows])


def _fill(registry: Registry, targets: int, say: Callable[[str], None]) -> list[str]:
    chooser, ids, kinds = random.Random(0), list[str](), [Kind.PERSON, Kind.WORK]
    for start in range(0, targets, BATCH):
        say(f"{start} targets stored")
        drafts = [
            Draft(name=f"{invented_name(chooser)} {number}", kind=kinds[number % 2])
            for number in range(start, min(start + BATCH, targets))
        ]
        ids += [target.id for target in registry.add_many(drafts)]
    return ids


async def _measure(
    registry: Registry, pages: dict[str, dict[str, str]], requests: int, say: Callable[[str], None]
) -> list[Listed]:
    # The list asks for nothing else of a server.
    service = SimpleNamespace(registry=registry, keys=Keyring(registry.keys), tokens=None)
    key = SecretStr(secrets.token_urlsafe(32))
    desk = create_desk(cast(AdminService, service), key, idle_s=3600, max_body_bytes=MAX_BODY_BYTES)
    listed = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="http://desk") as client:
        (token,) = _TOKEN.findall((await client.get("/ui/sign-in")).text)
        await client.post("/ui/sign-in", data={"csrf": token, "key": key.get_secret_value()})
        for page, query in pages.items():
            say(f"the page {page}")
            times = []
            for _ in range(requests):
                began = time.perf_counter()
                answer = await client.get(f"{LIST}?{urlencode(query)}")
                times.append((time.perf_counter() - began) * 1000)
                answer.raise_for_status()
            listed.append(Listed(page, times))
    return listed
