"""A policy folder of a worker's own, whose files are fetched over HTTP from the servers that publish them."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import urllib.request
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from urllib.error import HTTPError

from guard.errors import PolicyUnavailable
from guard.files import write_atomically
from guard.matching import subset
from guard.matching.automaton import Automaton
from guard.matching.automaton_file import path_of
from guard.matching.live_automata import publish
from guard.workers import acknowledgement
from guard.workers.acknowledgement import Acknowledgement, Asked
from guard.workers.environment import POLICY_TOKEN_ENV, POLICY_URL_ENV
from guard.workers.loader import load
from guard.workers.published import Published

log = logging.getLogger(__name__)

FETCH_TIMEOUT_S = 2.0
"""Seconds for which a batch waits for a file that a request names and no server has published before."""
POLL_TIMEOUT_S = 10.0
RETRY_S = 0.5
KEPT_S = 900.0
"""Seconds after which a file is removed that nobody has named since: later than servers remove theirs."""


class Servers:
    """The servers at `urls`, asked with `token`, and the files that were fetched from them into `folder`."""

    def __init__(self, folder: Path, urls: tuple[str, ...], token: str) -> None:
        self.folder = folder
        self.urls = urls
        self._token = token
        # Not by the proxies of the environment: the files spell out what is forbidden.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        self._lock = threading.Lock()
        self._version = -1
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @classmethod
    def of_environment(cls, folder: Path) -> Servers | None:
        """Return the servers that the environment names, None without any; PolicyUnavailable without a token."""
        urls = tuple(
            url.strip().rstrip("/") for url in os.environ.get(POLICY_URL_ENV, "").split(",") if url.strip()
        )
        if not urls:
            return None
        token = os.environ.get(POLICY_TOKEN_ENV, "").strip()
        if not token:
            raise PolicyUnavailable(f"{POLICY_TOKEN_ENV} is not set")
        if not all(url.startswith(("http://", "https://")) for url in urls):
            raise PolicyUnavailable(f"{POLICY_URL_ENV} must be URLs such as http://host:port")
        return cls(folder, urls, token)

    def attach(self, digest: str, whole: Callable[[str], Automaton], urls: Sequence[str] = ()) -> Automaton:
        """Return the automaton of a digest, fetched if it is not there from one of `urls`, by default from any
        server; `whole` returns one that it is a part of.

        Raises PolicyUnavailable where no server has it, and for a damaged file, which is removed.
        """
        self._fetch(digest, urls or self.urls)
        try:
            return subset.attach(self.folder, digest, whole)
        except PolicyUnavailable:
            path_of(self.folder, digest).unlink(missing_ok=True)
            raise

    def _fetch(self, digest: str, urls: Sequence[str]) -> None:
        path = path_of(self.folder, digest)
        if path.exists():
            os.utime(path)
            return
        for url in urls:
            try:
                content = self._ask(f"{url}/automata/{digest}", None, FETCH_TIMEOUT_S)
                write_atomically(path, content, durable=False, private=True)
                return
            except OSError:
                continue
        raise PolicyUnavailable("no server has a compiled policy file that is named")

    def poll(self, url: str, state: Acknowledgement, seen: str) -> Published | None:
        """Tell the server what is loaded; return what it has published if that is not `seen`. Raises OSError or
        ValueError."""
        body = json.dumps({"worker": asdict(state), "seen": seen}).encode()
        content = self._ask(f"{url}/workers", body, POLL_TIMEOUT_S)
        return Published.load(content) if content else None

    def publish_live(self, published: Published) -> None:
        """Have the live automata of the latest version hold in every row of this worker."""
        with self._lock:
            if published.version >= self._version:
                publish(self.folder, published.live, published.sets)
                self._version = published.version

    def sweep(self) -> None:
        """Remove the files that nobody has named for long."""
        before = time.time() - KEPT_S
        for path in self.folder.glob("*.automaton"):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def _ask(self, url: str, body: bytes | None, timeout: float) -> bytes:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        request = urllib.request.Request(url, body, headers)
        try:
            with self._open(request, timeout=timeout) as response:
                content: bytes = response.read()
                return content
        except HTTPError as error:
            error.close()
            raise OSError(f"the server answers {error.code}") from None


class Follower:
    """Loads what the server at `url` publishes, and acknowledges it to that server, in a thread of its own."""

    def __init__(self, servers: Servers, url: str, own: Acknowledgement, asked: Asked | None = None) -> None:
        """`asked` is told in heartbeats."""
        self._asked = asked or Asked()
        self.loaded: Mapping[str, Automaton] = {}
        self._servers = servers
        self._url = url
        self._state = own
        self._seen = ""
        self._swept = time.monotonic()
        self._failure = ""

    def start(self) -> None:
        """Follow the server from now on, until this object is gone."""
        threading.Thread(target=_run, args=(weakref.ref(self),), name="lethe-follower", daemon=True).start()

    def step(self) -> float:
        """Ask the server once and load what it has published; return after how many seconds to ask again."""
        try:
            state = replace(self._state, asked=self._asked.latest)
            published = self._servers.poll(self._url, state, self._seen)
            if published is not None:
                self._load(published)
            if time.monotonic() - self._swept > KEPT_S / 3:
                self._swept = time.monotonic()
                self._servers.sweep()
            self._failure = ""
            return 0.0
        except Exception as error:
            if not self._failure:
                log.error("the policy of a server cannot be followed: %s", type(error).__name__)
            self._failure = type(error).__name__
            if isinstance(error, PolicyUnavailable):
                self._state = acknowledgement.loaded(self._state, self._state.version, self._failure)
            return RETRY_S

    def _load(self, published: Published) -> None:
        attach = partial(self._servers.attach, urls=(self._url,))
        self.loaded = load(published.loaded, self.loaded, attach)
        self._servers.publish_live(published)
        self._state = acknowledgement.loaded(self._state, published.version, "")
        self._seen = published.digest


def _run(reference: weakref.ref[Follower]) -> None:
    while (follower := reference()) is not None:
        pause = follower.step()
        del follower
        time.sleep(pause)
