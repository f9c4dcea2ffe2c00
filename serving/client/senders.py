"""What both clients share: their connections, and how an operation is sent, and sent again."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import SecretStr

from serving.client import exchange
from serving.client.connection import Connection
from serving.client.operation import Operation

T = TypeVar("T")


class Sender:
    """Sends operations. A repr shows the address and no key."""

    def __init__(self, url: str, key: str | SecretStr, *, transport: httpx.BaseTransport | None = None) -> None:
        self._connection = Connection(url, key if isinstance(key, SecretStr) else SecretStr(key))
        # Proxies of the environment stay unused: the key would pass through them.
        self._http = httpx.Client(
            base_url=url,
            headers=self._connection.headers(),
            trust_env=False,
            verify=self._connection.authorities(),
            transport=transport,
        )

    @classmethod
    def from_environment(cls) -> Self:
        """Return a client for ADMIN_URL (or ADMIN_PORT on loopback) with LETHE_ADMIN_KEY. Raises NotConfigured."""
        connection = Connection.from_environment()
        return cls(connection.url, connection.key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.place!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _send(self, operation: Operation[T]) -> T:
        was_lost, tries = False, 1
        while True:
            came: httpx.Response | httpx.HTTPError
            try:
                came = self._http.request(**exchange.arguments(operation))
            except httpx.HTTPError as error:
                came = error
            delay = exchange.delay_of(operation, tries, came)
            if delay is None:
                return exchange.outcome(self._connection, operation, came, was_lost=was_lost)
            was_lost |= exchange.is_lost(came)
            tries += 1
            time.sleep(delay)


class AsyncSender:
    """Sends operations, to be awaited. A repr shows the address and no key."""

    def __init__(
        self, url: str, key: str | SecretStr, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._connection = Connection(url, key if isinstance(key, SecretStr) else SecretStr(key))
        # Proxies of the environment stay unused: the key would pass through them.
        self._http = httpx.AsyncClient(
            base_url=url,
            headers=self._connection.headers(),
            trust_env=False,
            verify=self._connection.authorities(),
            transport=transport,
        )

    @classmethod
    def from_environment(cls) -> Self:
        """Return a client for ADMIN_URL (or ADMIN_PORT on loopback) with LETHE_ADMIN_KEY. Raises NotConfigured."""
        connection = Connection.from_environment()
        return cls(connection.url, connection.key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.place!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send(self, operation: Operation[T]) -> T:
        was_lost, tries = False, 1
        while True:
            came: httpx.Response | httpx.HTTPError
            try:
                came = await self._http.request(**exchange.arguments(operation))
            except httpx.HTTPError as error:
                came = error
            delay = exchange.delay_of(operation, tries, came)
            if delay is None:
                return exchange.outcome(self._connection, operation, came, was_lost=was_lost)
            was_lost |= exchange.is_lost(came)
            tries += 1
            await asyncio.sleep(delay)
