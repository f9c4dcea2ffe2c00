"""HTTP/1.1 for clients that offer another protocol first, as Java's does with `Upgrade: h2c`.

A server may pass over the offer (RFC 9110, 7.8). httptools takes every one of them for accepted and stops reading,
so that the body is lost.
"""

from __future__ import annotations

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_FRAMING = (b"content-length", b"transfer-encoding")


class NoUpgradeProtocol(HttpToolsProtocol):
    """uvicorn's protocol over httptools, which goes on reading where an upgrade was offered, but to WebSocket."""

    _reads_body_alone = False

    def data_received(self, data: bytes) -> None:
        """Parse what the client sent; after a head with an offer the rest is read by a parser of its own."""
        while True:
            self._unset_keepalive_if_required()
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offered:
                if self._should_upgrade():
                    self.handle_websocket_upgrade()
                    return
                data = data[offered.args[0] :]
                self._go_on_with_body()
                continue
            except httptools.HttpParserError:
                self.send_400_response("Invalid HTTP request received.")
            return

    def _go_on_with_body(self) -> None:
        framing = b"".join(b"%s: %s\r\n" % field for field in self.headers if field[0] in _FRAMING)
        self.parser = httptools.HttpRequestParser(self)
        self._reads_body_alone = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n")

    def on_message_begin(self) -> None:
        if not self._reads_body_alone:
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._reads_body_alone:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._reads_body_alone:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._reads_body_alone:
            super().on_headers_complete()
        self._reads_body_alone = False

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade() or self._should_upgrade():
            super().on_message_complete()
