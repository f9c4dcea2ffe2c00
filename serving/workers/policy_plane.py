"""The policy plane: workers of engines elsewhere fetch compiled files, and acknowledge what they have loaded."""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from anyio.to_thread import run_sync
from pydantic import SecretStr

from guard.errors import PolicyUnavailable
from guard.matching.automaton_file import path_of
from guard.workers.acknowledgement import Acknowledgement, of_members, write
from guard.workers.published import Published, PublishedFolder
from serving.http.asgi import BodyTooLarge, ClientGone, Receive, Scope, Send, lifespan, read_body, respond
from serving.keys import bearer_keys, key_matches

HOLD_S = 1.0
"""Seconds for which a worker's question is held until something is published: its heartbeat."""
POLL_S = 0.01
MAX_BODY_BYTES = 16_384
PART_BYTES = 2**20
_AUTOMATON = re.compile(r"/automata/([0-9a-f]{64})")
_WORKER = re.compile(r"[\w.-]{1,200}")


class PolicyPlane:
    """The ASGI application of the policy plane, for workers with `token`. Files are those of the policy folder."""

    def __init__(self, folder: Path, token: SecretStr) -> None:
        self._folder = folder
        self._token = token
        self._published_in = PublishedFolder(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await lifespan(receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        if not any(key_matches(key, [self._token]) for key in bearer_keys(scope["headers"])):
            return await respond(send, 401, {"error": "the token is missing or wrong"})
        found = _AUTOMATON.fullmatch(scope["path"])
        if found and scope["method"] == "GET":
            return await self._send_file(path_of(self._folder, found[1]), send)
        if scope["path"] == "/workers" and scope["method"] == "POST":
            return await self._answer_worker(receive, send)
        await respond(send, 404, {"error": "this route is not served"})

    async def _send_file(self, path: Path, send: Send) -> None:
        try:
            file = await run_sync(path.open, "rb")
        except OSError:
            return await respond(send, 404, {"error": "no such file"})
        with file:
            length = str(os.fstat(file.fileno()).st_size).encode()
            headers = [(b"content-type", b"application/octet-stream"), (b"content-length", length)]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while part := await run_sync(file.read, PART_BYTES):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer_worker(self, receive: Receive, send: Send) -> None:
        try:
            worker, seen = _read(await read_body(receive, MAX_BODY_BYTES))
        except (ValueError, TypeError, KeyError, BodyTooLarge):
            return await respond(send, 400, {"error": "not a worker's acknowledgement"})
        except ClientGone:
            return None
        # Before the first policy there is nothing to acknowledge.
        if worker.version >= 0 or worker.failure:
            await run_sync(write, self._folder, worker)
        published = await self._published(seen)
        body = b"" if published is None else published.dump()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _published(self, seen: str) -> Published | None:
        """Return what is published once it is not what was `seen`, None after HOLD_S seconds."""
        ends = time.monotonic() + HOLD_S
        while True:
            try:
                published = self._published_in.poll()
            except PolicyUnavailable:
                published = None
            if published is not None and published.digest != seen:
                return published
            if time.monotonic() >= ends:
                return None
            await asyncio.sleep(POLL_S)


def _read(body: bytes) -> tuple[Acknowledgement, str]:
    members: dict[str, Any] = orjson.loads(body)
    worker = of_members(members["worker"])
    if not _WORKER.fullmatch(worker.id) or type(worker.version) is not int or type(worker.rank) is not int:
        raise ValueError("not a worker")
    # Its process is elsewhere, whatever it is called there.
    return replace(worker, place="elsewhere"), str(members["seen"])
