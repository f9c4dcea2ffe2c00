"""Tracing: the stages of a request as spans, if the server has a tracer. Nothing is imported for it otherwise.

The tracer belongs to the request in progress (a context variable), so that any stage can open a span without being
handed anything. What a span says of its request are numbers, booleans and members of closed sets, never a text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from serving.http.asgi import Headers

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

P = ParamSpec("P")
T = TypeVar("T")
Work = Coroutine[Any, Any, T]
Attribute = int | float | bool | StrEnum
"""What a span may say: a plain string is none of these, as it could be somebody's."""
TRACEPARENT = b"traceparent"


class Tracer(Protocol):
    """Records spans. Never waits for whoever collects them, and never fails a request."""

    def request(self, method: str, route: str, traceparent: str) -> AbstractContextManager[None]:
        """Open the span of a request that arrived with this W3C `traceparent`, empty if with none."""

    def span(self, name: str, *, calls: bool = False) -> AbstractContextManager[None]:
        """Open a span within the current one; `calls` says that another server does the work."""

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        """Add attributes to the current span."""

    def event(self, name: str, attributes: Mapping[str, Attribute]) -> None:
        """Add an event to the current span."""

    def traceparent(self) -> str:
        """Return the W3C `traceparent` of the current span."""

    def exemplar(self) -> dict[str, str] | None:
        """Return the ids of the current span, as labels of an exemplar, if it is sampled."""

    async def run(self, metrics: CollectorRegistry, observe: Callable[[], Awaitable[None]]) -> None:
        """Send `metrics` from time to time, after `observe` has set those of the state, until cancelled; then send
        what is left and close."""


_current: ContextVar[Tracer | None] = ContextVar("tracer", default=None)


@contextmanager
def traced_request(tracer: Tracer | None, method: str, route: str, traceparent: str) -> Iterator[None]:
    """Trace what is done within as one request, if there is a tracer; `route` is a served one, or `other`."""
    if tracer is None:
        yield
        return
    token = _current.set(tracer)
    try:
        with tracer.request(method, route, traceparent):
            yield
    finally:
        _current.reset(token)


def span(name: str, *, calls: bool = False) -> AbstractContextManager[None]:
    """Return a context in which a stage of the request in progress is a span."""
    tracer = _current.get()
    return nullcontext() if tracer is None else tracer.span(name, calls=calls)


def spanned(name: str) -> Callable[[Callable[P, Work[T]]], Callable[P, Work[T]]]:
    """Return a decorator that makes each call of a coroutine function a span."""

    def decorate(work: Callable[P, Work[T]]) -> Callable[P, Work[T]]:
        @wraps(work)
        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            with span(name):
                return await work(*args, **kwargs)

        return run

    return decorate


def note(**attributes: Attribute) -> None:
    """Add attributes to the current span, as `lethe.NAME`."""
    if tracer := _current.get():
        tracer.note({f"lethe.{name}": value for name, value in attributes.items()})


def event(name: str, **attributes: Attribute) -> None:
    """Add an event to the current span."""
    if tracer := _current.get():
        tracer.event(name, {f"lethe.{key}": value for key, value in attributes.items()})


def note_status(status: int) -> None:
    """Add the HTTP status of the answer to the current span."""
    if tracer := _current.get():
        tracer.note({"http.response.status_code": status})


def trace_headers() -> Headers:
    """Return the header that makes what another server does a part of this trace; none without a tracer."""
    tracer = _current.get()
    return [] if tracer is None else [(TRACEPARENT, tracer.traceparent().encode())]


def exemplar() -> dict[str, str] | None:
    """Return the ids of the current span, as labels of an exemplar, if it is sampled."""
    tracer = _current.get()
    return None if tracer is None else tracer.exemplar()
