"""The uvicorn servers of the planes: without lifespan, logs or upgrades, and stopped together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import uvicorn

from serving.http.asgi import App
from serving.http.no_upgrade import NoUpgradeProtocol

# How long open streams may go on after the first signal.
DRAIN_S = 30


class _Server(uvicorn.Server):
    """A uvicorn server without signal handlers: the launcher handles the signals of all servers of the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(app: App, keep_alive_s: int) -> uvicorn.Server:
    """Return the server of a plane; connections are kept for `keep_alive_s` seconds without a request."""
    config = uvicorn.Config(
        app,
        http=NoUpgradeProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=keep_alive_s,
        timeout_graceful_shutdown=DRAIN_S,
    )
    return _Server(config)


def stop(servers: Sequence[uvicorn.Server]) -> None:
    """Have the servers end once their open streams have, or at once where this was called before."""
    for server in servers:
        # A second signal closes open streams at once.
        server.force_exit = server.should_exit
        server.should_exit = True
