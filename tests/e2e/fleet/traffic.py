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
PAUSE_S = 0.3
"""The longest pause between two questions of a client: a process that starts needs a processor, too."""
HEADERS = {"authorization": f"Bearer {KEY}"}


class Question(NamedTuple):
    """A question, and the word of its answer that a target forbids."""

    text: str
    phrase: str


class Outage(NamedTuple):
    """From the kill of a process, of the kind `what`, until it was up again; `plane` is the plane that it or its
    engine is, empty for the database."""

    what: str
    plane: str
    begun: float
    ended: float


@dataclass
class Traffic:
    """What happens to a fleet: `changes` and `answers` are what has been asked so far."""

    fleet: Fleet
    questions: list[Question]
    chance: random.Random
    changes: list[Change] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    outages: list[Outage] = field(default_factory=list)
    _active: list[Change] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)
    _unknown: list[tuple[Change, str]] = field(default_factory=list)
    _added: int = 0

    async def change(self, client: httpx.AsyncClient, *, waits: bool) -> None:
        """Add or revoke a target at some replica that can be reached, and note what is said of it; with `waits`,
        wait until it is enforced everywhere."""
        params = {"wait": "applied", "timeout": str(WAIT_S)} if waits else {}
        free = [each.phrase for each in self.questions if each.phrase not in self._taken]
        if free and (len(self._active) < 4 or (len(self._active) < MAX_ACTIVE and self.chance.random() < 0.6)):
            phrase = self.chance.choice(free)
            self._taken.add(phrase)
            self._added += 1
            body = {"name": f"Fleet {self._added:05d}", "phrases": [phrase], "scope": "always"}
            if (change := await self._ask(client, None, phrase, params, body)) is None:
                self._taken.discard(phrase)
            elif change.outcome is Outcome.UNKNOWN:
                self._unknown.append((change, body["name"]))
            else:
                self._active.append(change)
        elif self._active:
            added = self._active.pop(self.chance.randrange(len(self._active)))
            if (change := await self._ask(client, added.target, added.phrase, params, None)) is None:
                self._active.append(added)
            elif change.outcome is Outcome.UNKNOWN:
                self._unknown.append((change, ""))
            else:
                self._taken.discard(added.phrase)

    async def _ask(
        self,
        client: httpx.AsyncClient,
        revoked: str | None,
        phrase: str,
        params: dict[str, str],
        body: dict[str, Any] | None,
    ) -> Change | None:
        """Ask one replica, another if that cannot be reached; None if none can."""
        for admin in self.chance.sample(self.fleet.admins, len(self.fleet.admins)):
            method, path = ("POST", "") if revoked is None else ("DELETE", f"/{revoked}")
            begun, outcome, target = time.monotonic(), Outcome.UNKNOWN, revoked or ""
            try:
                answer = await client.request(method, f"{admin}/admin/v1/targets{path}", params=params, json=body)
            except httpx.ConnectError:
                continue
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
                    assert answer.status_code == 503, answer.text
            change = Change(revoked is None, target, phrase, begun, time.monotonic(), outcome)
            self.changes.append(change)
            return change
        return None

    async def converse(self, client: httpx.AsyncClient) -> None:
        """Ask a question through the balancer, streamed or not, and note what is answered."""
        await asyncio.sleep(self.chance.uniform(0, PAUSE_S))
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
                    return
                said, broken = await (_streamed(response) if stream else _whole(response))
        except httpx.HTTPError:
            broken = True
        self.answers.append(Answer(said, begun, time.monotonic(), by, broken))

    async def kill(self, client: httpx.AsyncClient, what: str) -> None:
        """Kill a plane, an engine or the database, start it again, and return once it is up."""
        begun, plane = time.monotonic(), ""
        if what == "database":
            await asyncio.to_thread(self.fleet.database.stop)
            await asyncio.sleep(DOWN_S)
            await asyncio.to_thread(self.fleet.database.start)
        else:
            number = self.chance.randrange(2)
            plane = f"plane{number}"
            process: Process = (self.fleet.planes if what == "plane" else self.fleet.engines)[number]
            await asyncio.to_thread(process.kill)
            await asyncio.sleep(DOWN_S)
            process.start()
            await process.up(client)
            await self.fleet.planes[number].up(client)
        self.outages.append(Outage(what, plane, begun, time.monotonic()))
        await self._resolve(client)

    async def _resolve(self, client: httpx.AsyncClient) -> None:
        """Find out what became of changes of unknown outcome: what is stored is to be revoked, and what is not may
        be asked for again."""
        unknown, self._unknown = self._unknown, []
        params = {"state": "active", "limit": "1000"}
        answer = await client.get(f"{self.fleet.admins[0]}/admin/v1/targets", params=params)
        if answer.status_code != 200:
            self._unknown += unknown
            return
        active = {target["id"]: target["name"] for target in answer.json()["targets"]}
        ids = {name: id for id, name in active.items()}
        for change, name in unknown:
            target = ids.get(name, "") if change.is_addition else change.target
            if target in active:
                self._active.append(
                    Change(True, target, change.phrase, change.begun, change.ended, Outcome.UNKNOWN)
                )
            else:
                self._taken.discard(change.phrase)

    @property
    def disturbed(self) -> list[Answer]:
        """The answers that broke off though neither their plane nor its engine was down meanwhile."""
        outages = [outage for outage in self.outages if outage.plane]
        return [
            answer
            for answer in self.answers
            if answer.broken
            and not any(
                answer.by in ("", outage.plane) and answer.begun < outage.ended and outage.begun < answer.ended
                for outage in outages
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
