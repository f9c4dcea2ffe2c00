"""Changes of targets at random replicas, answers through the balancer, and processes that are killed meanwhile."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import orjson

from tests.e2e.fleet.ledger import Answer, Change, Outcome
from tests.e2e.fleet.processes import Fleet, Process
from tests.e2e.server import KEY

MAX_ACTIVE = 12
"""Targets that are active at a time: more would leave nothing to say."""
WAIT_S = 30
DOWN_S = 0.3
HEADERS = {"authorization": f"Bearer {KEY}"}


class Question(NamedTuple):
    """A question, and the word of its answer that a target forbids."""

    text: str
    phrase: str


@dataclass
class Traffic:
    """What happens to a fleet: `changes` and `answers` are what has been asked so far.

    `down` are the intervals in which a plane, or the engine of one, was not up, by the name of the plane.
    """

    fleet: Fleet
    questions: list[Question]
    chance: random.Random
    changes: list[Change] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    kills: dict[str, int] = field(default_factory=dict)
    down: list[tuple[str, float, float]] = field(default_factory=list)
    _active: list[Change] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)
    _added: int = 0

    @property
    def acknowledged(self) -> int:
        """How many changes a server has acknowledged."""
        return sum(change.outcome is not Outcome.UNKNOWN for change in self.changes)

    async def change(self, client: httpx.AsyncClient) -> Change | None:
        """Add or revoke a target at some replica, and note what is said of it; None if there is nothing to do."""
        admin = self.chance.choice(self.fleet.admins)
        params = {"wait": "applied", "timeout": str(WAIT_S)} if self.chance.random() < 0.7 else {}
        free = [each.phrase for each in self.questions if each.phrase not in self._taken]
        if free and (len(self._active) < 4 or (len(self._active) < MAX_ACTIVE and self.chance.random() < 0.6)):
            phrase = self.chance.choice(free)
            self._taken.add(phrase)
            self._added += 1
            body = {"name": f"Fleet {self._added:05d}", "phrases": [phrase], "scope": "always"}
            change = await self._ask(client, True, "", phrase, f"{admin}/admin/v1/targets", params, body)
            if change.outcome is not Outcome.UNKNOWN:
                self._active.append(change)
            return change
        if self._active:
            added = self._active.pop(self.chance.randrange(len(self._active)))
            url = f"{admin}/admin/v1/targets/{added.target}"
            change = await self._ask(client, False, added.target, added.phrase, url, params, None)
            if change.outcome is not Outcome.UNKNOWN:
                self._taken.discard(added.phrase)
            return change
        return None

    async def _ask(
        self,
        client: httpx.AsyncClient,
        is_addition: bool,
        target: str,
        phrase: str,
        url: str,
        params: dict[str, str],
        body: dict[str, Any] | None,
    ) -> Change:
        begun, outcome = time.monotonic(), Outcome.UNKNOWN
        try:
            answer = await client.request("POST" if is_addition else "DELETE", url, params=params, json=body)
        except httpx.HTTPError:
            pass
        else:
            if answer.status_code in (201, 204):
                outcome = Outcome.APPLIED if params else Outcome.STORED
                target = target or answer.json()["id"]
            elif answer.status_code == 504:
                outcome = Outcome.STORED
                target = target or answer.json()["instance"].rpartition("/")[2]
            else:
                assert answer.status_code in (503,), answer.text
        change = Change(is_addition, target, phrase, begun, time.monotonic(), outcome)
        self.changes.append(change)
        return change

    async def converse(self, client: httpx.AsyncClient) -> None:
        """Ask a question through the balancer, streamed or not, and note what is answered."""
        question = self.chance.choice(self.questions)
        stream = self.chance.random() < 0.5
        messages = [{"role": "user", "content": question.text}]
        body = {"model": "demo", "messages": messages, "max_tokens": 32, "temperature": 0, "stream": stream}
        begun, said, by, broken = time.monotonic(), "", "", False
        try:
            async with client.stream("POST", f"{self.fleet.address}/v1/chat/completions", json=body) as response:
                by = response.headers.get("x-served-by", "")
                if response.status_code != 200:
                    await response.aread()
                    self.refusals[f"{response.status_code} {response.text[:200]}"] += 1
                    await asyncio.sleep(0.1)
                    return
                said, broken = await (_streamed(response) if stream else _whole(response))
        except httpx.HTTPError:
            broken = True
        self.answers.append(Answer(said, begun, time.monotonic(), by, broken))

    async def kill(self, client: httpx.AsyncClient, what: str) -> None:
        """Kill a plane, an engine or the database, start it again, and return once it is up."""
        self.kills[what] = self.kills.get(what, 0) + 1
        if what == "database":
            await asyncio.to_thread(self.fleet.database.stop)
            await asyncio.sleep(DOWN_S)
            await asyncio.to_thread(self.fleet.database.start)
            return
        number = self.chance.randrange(2)
        process: Process = (self.fleet.planes if what == "plane" else self.fleet.engines)[number]
        begun = time.monotonic()
        await asyncio.to_thread(process.kill)
        await asyncio.sleep(DOWN_S)
        process.start()
        await process.up(client)
        await self.fleet.planes[number].up(client)
        self.down.append((f"plane{number}", begun, time.monotonic()))

    @property
    def disturbed(self) -> list[Answer]:
        """The answers that broke off though neither their plane nor its engine was down meanwhile."""
        return [
            answer
            for answer in self.answers
            if answer.broken
            and not any(
                answer.by in ("", name) and answer.begun < ended and begun < answer.ended
                for name, begun, ended in self.down
            )
        ]


async def _whole(response: httpx.Response) -> tuple[str, bool]:
    answer = orjson.loads(await response.aread())
    return answer["choices"][0]["message"]["content"] or "", False


async def _streamed(response: httpx.Response) -> tuple[str, bool]:
    said, ended = "", False
    async for line in response.aiter_lines():
        if line == "data: [DONE]":
            ended = True
        elif line.startswith("data: "):
            for choice in orjson.loads(line[6:]).get("choices", []):
                said += choice["delta"].get("content") or ""
    return said, not ended
