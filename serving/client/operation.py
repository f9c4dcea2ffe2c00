"""An operation of the admin API: what is sent, and what the answer is read as. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from serving.client.targets import Answer

T = TypeVar("T")
A = TypeVar("A", bound=Answer)

WAIT_S = 60
"""Seconds in which a change should be enforced everywhere, unless the caller says otherwise."""
ACCEPT_WAIT_S = 110
"""The same where hundreds of facts are read, and their texts embedded."""

PAGE = 200
"""Rows that an iterator asks for at a time."""
TRIAL_WAIT_S = 240
"""Seconds that two answers may take: on a CPU a model says a few tokens a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[T]):
    """A request of the admin API.

    route    the path as in the description of the API, with the names in braces that `path` fills
    read     what makes the value that is returned of the answer's body; raises ValueError
    is_safe  whether it may be sent again when its answer is lost: it only reads, or names the revision it changes
    wait_s   seconds that the server itself may take to answer
    """

    method: str
    route: str
    read: Callable[[bytes], T]
    path: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    is_safe: bool = False
    wait_s: float = 0.0

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET"

    @property
    def url(self) -> str:
        """The path that is requested."""
        return self.route.format(**{name: quote(value, safe="") for name, value in self.path.items()})


def reading(
    route: str, answer: type[A], path: Mapping[str, str] | None = None, **params: str | int | bool | None
) -> Operation[A]:
    """Return the operation that reads a route."""
    return Operation(
        method="GET",
        route=route,
        read=answer.model_validate_json,
        path=path or {},
        params=params_of(**params),
        is_safe=True,
    )


def nothing(body: bytes) -> None:
    """Read an answer without a body."""
    return None


def waiting(wait_s: int | None) -> dict[str, str]:
    """Return the parameters of a change that is waited for, or is not with None."""
    return {} if wait_s is None else {"wait": "applied", "timeout": str(wait_s)}


def params_of(**given: str | int | bool | None) -> dict[str, str]:
    """Return the parameters that are not None, as an address has them."""
    written = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return {name: str(value) for name, value in written.items() if value is not None}
