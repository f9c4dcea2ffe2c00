"""Workers elsewhere fetch compiled policies over HTTP, acknowledge them, and share no folder with the server."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from pydantic import SecretStr

from guard.errors import BadSettings, PolicyUnavailable
from guard.matching import subset
from guard.matching.automaton import Automaton
from guard.matching.automaton_file import path_of
from guard.matching.live_automata import LiveAutomata, publish
from guard.workers import fetching
from guard.workers.acknowledgement import FOLDER_NAME, Acknowledgement, of_this_process, read
from guard.workers.fetching import Follower, Servers
from guard.workers.published import Published
from guard.workers.required import publish_required
from guard.workers.source import Source
from guard.workers.workers import Workers
from serving.http.uvicorn_server import server_of
from serving.launch import listeners
from serving.settings import Settings
from serving.workers import policy_plane
from serving.workers.policy_plane import PolicyPlane

TOKEN = "t" * 24
OWN = replace(of_this_process(SimpleNamespace(instance_id="e1")), id="w1")


def unserved() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


class Running:
    """A policy plane on loopback, and its policy folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._server = server_of(PolicyPlane(folder, SecretStr(TOKEN)), 5)
        serve = self._server.serve(sockets=[listener])
        self._thread = threading.Thread(target=lambda: asyncio.run(serve), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(20)

    def publish(self, version: int, *automata: Automaton, live: tuple[Automaton, ...] = ()) -> None:
        for automaton in (*automata, *live):
            automaton.save(self.folder)
        publish(self.folder, [automaton.digest for automaton in live])
        publish_required(self.folder, version, [automaton.digest for automaton in automata])


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(policy_plane, "HOLD_S", 0.05)
    running = Running(tmp_path / "server")
    yield running
    running.stop()


@pytest.fixture
def local(tmp_path: Path) -> Path:
    return tmp_path / "worker"


def servers(local: Path, *urls: str, token: str = TOKEN) -> Servers:
    return Servers(local, urls, token)


def acknowledged(plane: Running) -> Acknowledgement | None:
    return read(plane.folder / FOLDER_NAME / "w1.json")


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


A, B = Automaton.compile(["Ilsabet Quorne"]), Automaton.compile(["the gate code"])


def test_what_is_published_is_fetched_loaded_and_acknowledged(plane: Running, local: Path) -> None:
    workers = Workers(plane.folder, lambda: 7)
    workers.poll()
    plane.publish(7, A, live=(B,))
    follower = Follower(servers(local, plane.url), plane.url, OWN)
    follower.step()
    assert follower.loaded.keys() == {A.digest, B.digest}
    assert LiveAutomata(local).poll().every == (B.digest,)
    assert path_of(local, A.digest).stat().st_mode & 0o777 == 0o600
    assert acknowledged(plane) is None
    follower.step()
    (worker,) = workers.poll()
    assert (worker.id, worker.version, worker.place) == ("w1", 7, "elsewhere")
    plane.publish(8, B)
    follower.step()
    follower.step()
    (worker,) = workers.poll()
    assert worker.version == 8
    assert (follower.loaded.keys(), LiveAutomata(local).poll().every) == ({B.digest}, ())


def test_a_part_of_an_automaton_is_fetched_with_the_whole(plane: Running, local: Path) -> None:
    whole = Automaton.compile(["Ilsabet Quorne", "the gate code"])
    whole.save(plane.folder)
    part = subset.write(plane.folder, whole.digest, [0])
    source = servers(local, plane.url)

    def attached(digest: str) -> Automaton:
        return source.attach(digest, attached)

    assert attached(part).digest == part
    assert path_of(local, whole.digest).exists()


def test_a_file_that_a_request_names_first_is_fetched_from_whichever_server_has_it(
    plane: Running, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    A.save(plane.folder)
    monkeypatch.setenv("LETHE_POLICY_URL", f"{unserved()}, {plane.url}/")
    monkeypatch.setenv("LETHE_POLICY_TOKEN", TOKEN)
    source = Source(local, OWN)
    assert source.attach(A.digest, lambda digest: A).digest == A.digest
    with pytest.raises(PolicyUnavailable):
        source.attach(B.digest, lambda digest: B)


def test_a_file_that_was_damaged_on_its_way_is_fetched_again(plane: Running, local: Path) -> None:
    path = A.save(plane.folder)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    source = servers(local, plane.url)
    with pytest.raises(PolicyUnavailable):
        source.attach(A.digest, lambda digest: A)
    path.write_bytes(content)
    assert source.attach(A.digest, lambda digest: A).digest == A.digest


def test_what_cannot_be_loaded_is_acknowledged_as_a_failure(plane: Running, local: Path) -> None:
    plane.publish(7, A)
    path_of(plane.folder, A.digest).unlink()
    follower = Follower(servers(local, plane.url), plane.url, OWN)
    assert follower.step() > 0
    follower.step()
    found = acknowledged(plane)
    assert found is not None
    assert (found.version, found.failure) == (-1, "PolicyUnavailable")
    A.save(plane.folder)
    follower.step()
    follower.step()
    found = acknowledged(plane)
    assert found is not None
    assert (found.version, found.failure) == (7, "")


def test_the_live_automata_of_the_latest_version_hold(plane: Running, local: Path, tmp_path: Path) -> None:
    """Of two servers one may be behind; what it publishes holds for nobody but its own requests."""
    other = Running(tmp_path / "other")
    try:
        plane.publish(8, live=(A,))
        other.publish(7, live=(B,))
        shared = servers(local, plane.url, other.url)
        for url in shared.urls:
            Follower(shared, url, OWN).step()
        assert LiveAutomata(local).poll().every == (A.digest,)
    finally:
        other.stop()


def test_a_server_that_is_away_or_refuses_the_token_is_asked_again_later(plane: Running, local: Path) -> None:
    plane.publish(7, A)
    away = Follower(servers(local, unserved()), unserved(), OWN)
    assert away.step() > 0
    assert away.loaded == {}
    source = servers(local, plane.url, token="another token")
    assert Follower(source, plane.url, OWN).step() > 0
    assert not local.joinpath(f"{A.digest}.automaton").exists()


def test_a_follower_works_in_a_thread_that_ends_with_it(plane: Running, local: Path) -> None:
    plane.publish(7, A)
    before = set(threading.enumerate())
    follower = Follower(servers(local, plane.url), plane.url, OWN)
    follower.start()
    (thread,) = {each for each in set(threading.enumerate()) - before if each.name == "lethe-follower"}
    until(lambda: (found := acknowledged(plane)) is not None and found.version == 7)
    del follower
    thread.join(60)
    assert not thread.is_alive()


def test_files_that_nobody_names_are_removed(plane: Running, local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    A.save(plane.folder)
    source = servers(local, plane.url)
    source.attach(A.digest, lambda digest: A)
    source.sweep()
    assert path_of(local, A.digest).exists()
    monkeypatch.setattr(fetching, "KEPT_S", -10.0)
    source.sweep()
    assert not path_of(local, A.digest).exists()


def test_workers_need_the_token_and_get_nothing_else(plane: Running) -> None:
    A.save(plane.folder)
    (plane.folder / "version").write_text("7\n")
    file = f"/automata/{A.digest}"
    with httpx.Client(base_url=plane.url, trust_env=False) as client:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}, {"x-api-key": TOKEN}):
            for method, path in (("GET", file), ("POST", "/workers"), ("GET", "/nothing")):
                assert client.request(method, path, headers=headers).status_code == 401
        client.headers["authorization"] = f"Bearer {TOKEN}"
        assert client.get(file).content == path_of(plane.folder, A.digest).read_bytes()
        for path in (
            "/automata/../version",
            "/automata/version",
            f"/automata/{'0' * 64}",
            "/version",
            "/",
            f"{file}/",
        ):
            assert client.get(path).status_code == 404
        assert client.post(file).status_code == 404
        assert client.get("/workers").status_code == 404


@pytest.mark.parametrize(
    "worker",
    [
        {"id": "../../escaped"},
        {"id": ""},
        {"id": "a b"},
        {"id": "x" * 300},
        {"version": "7"},
        {"rank": None},
        {"colour": "blue"},
    ],
)
def test_what_is_no_acknowledgement_is_refused_and_writes_nothing(
    plane: Running, worker: dict[str, object]
) -> None:
    given = {**asdict(replace(OWN, version=7)), **worker}
    with httpx.Client(base_url=plane.url, trust_env=False, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        assert client.post("/workers", json={"worker": given, "seen": ""}).status_code == 400
        for content in (b"", b"[]", b"{", b'{"worker": 1}', b"x" * 20_000):
            assert client.post("/workers", content=content).status_code == 400
    assert not list(plane.folder.parent.rglob("*.json"))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version": 1, "required": ["../x"], "live": []}'])
def test_what_no_server_publishes_is_not_loaded(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Published.load(content)


def test_a_worker_with_servers_and_no_token_does_not_start(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETHE_POLICY_URL", "http://lethe:8002")
    with pytest.raises(PolicyUnavailable, match="LETHE_POLICY_TOKEN"):
        Source(local, OWN)
    monkeypatch.setenv("LETHE_POLICY_TOKEN", TOKEN)
    monkeypatch.setenv("LETHE_POLICY_URL", "lethe:8002")
    with pytest.raises(PolicyUnavailable, match="URLs"):
        Source(local, OWN)


@pytest.mark.parametrize("token", ["", "short"])
def test_a_policy_plane_needs_a_token(token: str) -> None:
    with pytest.raises(BadSettings, match="policy_token"):
        listeners(Settings(port=0, admin_port=0, policy_port=0, policy_token=SecretStr(token)))
