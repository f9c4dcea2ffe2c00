"""A real server on loopback, and raw requests as Java's client writes them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import orjson
import pytest
import uvicorn

from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.http.uvicorn_server import server_of

OFFER = "Connection: Upgrade, HTTP2-Settings\r\nHost: a\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\nUpgrade: h2c\r\n"
BODY = b'{"model": "demo"}'
POST = f"POST /v1/chat HTTP/1.1\r\n{OFFER}Content-Length: {len(BODY)}\r\n\r\n".encode()
CHUNKED = f"POST /v1/chat HTTP/1.1\r\n{OFFER}Transfer-Encoding: chunked\r\n\r\n".encode()
CHUNKS = b"8\r\n" + BODY[:8] + b"\r\n9\r\n" + BODY[8:] + b"\r\n0\r\n\r\n"
GET = f"GET /livez HTTP/1.1\r\n{OFFER}\r\n".encode()
PLAIN = f"POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the path and the body; close websockets."""
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close", "code": 1008})
    body = await read_body(receive, 10**6)
    await respond(send, 200, {"path": scope["path"], "body": body.decode()})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server: uvicorn.Server = server_of(echo, 5)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield int(listener.getsockname()[1])
        server.should_exit = True
        thread.join()


class Connection:
    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._file = self._socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            self._socket.sendall(part)
            time.sleep(0.02 if len(parts) > 1 else 0)

    def status(self) -> int:
        return int(self._file.readline().split()[1])

    def answer(self) -> tuple[int, dict[str, str]]:
        status = self.status()
        length = 0
        while (line := self._file.readline().strip().lower()) != b"":
            assert not line.startswith(b"upgrade")
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, orjson.loads(self._file.read(length) or b"{}")

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def connection(port: int) -> Iterator[Connection]:
    opened = Connection(port)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "parts",
    [
        (POST + BODY,),
        (POST, BODY),
        (POST, BODY[:5], BODY[5:]),
        (POST[:30], POST[30:90], POST[90:] + BODY[:1], BODY[1:]),
        (CHUNKED + CHUNKS,),
        (CHUNKED, CHUNKS[:6], CHUNKS[6:]),
    ],
    ids=str,
)
def test_a_body_after_an_offer_is_read_whatever_pieces_it_comes_in(
    connection: Connection, parts: tuple[bytes, ...]
) -> None:
    for _ in range(2):
        connection.send(*parts)
        assert connection.answer() == (200, {"path": "/v1/chat", "body": BODY.decode()})


def test_requests_with_and_without_an_offer_share_a_connection(connection: Connection) -> None:
    for request, path, body in ((GET, "/livez", b""), (PLAIN, "/v1/chat", BODY), (POST, "/v1/chat", BODY)):
        connection.send(request + body)
        assert connection.answer() == (200, {"path": path, "body": body.decode()})


def test_pipelined_requests_are_answered_in_order(connection: Connection) -> None:
    connection.send(POST + BODY + GET + PLAIN + BODY)
    assert [connection.answer()[1]["path"] for _ in range(3)] == ["/v1/chat", "/livez", "/v1/chat"]


def test_a_large_body_after_an_offer_is_read_whole(connection: Connection) -> None:
    body = b"x" * 500_000
    head = f"POST /v1/chat HTTP/1.1\r\n{OFFER}Content-Length: {len(body)}\r\n\r\n".encode()
    connection.send(head + body)
    assert len(connection.answer()[1]["body"]) == len(body)


def test_other_offers_are_passed_over_and_websockets_closed_as_before(connection: Connection) -> None:
    connection.send(POST.replace(b"h2c", b"zeal/9") + BODY)
    assert connection.answer() == (200, {"path": "/v1/chat", "body": BODY.decode()})
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + key)
    assert connection.answer()[0] == 403


def test_what_is_no_http_is_a_400(connection: Connection) -> None:
    connection.send(b"zeal\r\n\r\n")
    assert connection.status() == 400
