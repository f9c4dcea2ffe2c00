from __future__ import annotations

import pytest

from serving.http.asgi import App, Receive, Scope, Send
from serving.launch import _server
from serving.settings import Settings


@pytest.fixture
def app() -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    return app


def test_an_idle_connection_outlives_those_of_usual_load_balancers(app: App) -> None:
    kept = Settings().keep_alive_s
    assert kept > 60
    assert _server(app, kept).config.timeout_keep_alive == kept
