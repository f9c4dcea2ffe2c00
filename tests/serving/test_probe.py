from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from serving.probe import is_ready
from serving.settings import Settings


class Plane(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.send_response(self.server.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


class Server(http.server.HTTPServer):
    status = 200


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Plane) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False)])
def test_a_server_is_asked_on_the_port_of_its_settings(server: Server, status: int, ready: bool) -> None:
    server.status = status
    for host in ("0.0.0.0", "127.0.0.1"):
        assert is_ready(Settings(host=host, port=server.server_port)) is ready


def test_a_server_that_is_not_there_is_not_ready() -> None:
    with Server(("127.0.0.1", 0), Plane) as gone:
        port = gone.server_port
    assert not is_ready(Settings(port=port))


def test_the_status_of_the_command_follows_the_environment(server: Server) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LETHE_")}
    command = [sys.executable, "-m", "serving.probe"]
    environment["LETHE_PORT"] = str(server.server_port)
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    server.status = 503
    assert subprocess.run(command, env=environment, check=False).returncode == 1
