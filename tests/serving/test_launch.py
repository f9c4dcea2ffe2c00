from __future__ import annotations

import pytest

from serving.http.asgi import App, Receive, Scope, Send
from serving.launch import _server, base_url
from serving.settings import Settings


@pytest.fixture
def app() -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    return app


def test_an_idle_connection_outlives_those_of_usual_load_balancers(app: App) -> None:
    kept = Settings().keep_alive_s
    assert kept > 60
    assert _server(app, kept).config.timeout_keep_alive == kept


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("::", "http://[::]:80"),
        ("::1", "http://[::1]:80"),
        ("h", "http://h:80"),
    ],
)
def test_an_address_is_printed_as_a_url_that_can_be_followed(host: str, url: str) -> None:
    assert base_url(host, 80) == url
