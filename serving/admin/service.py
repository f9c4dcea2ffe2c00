"""What the admin plane needs of the server it administers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, Protocol

from fastapi import Depends, Request

from guard.conversation import Message
from guard.plan import Plan
from guard.registry import Registry
from guard.target import Mode
from serving.assistant_service import AssistantService
from serving.metrics import Metrics
from serving.verdicts import VerdictLog


class Enforced(NamedTuple):
    """The policy in force: its version (0 before the first) and how many targets it holds in each mode."""

    version: int
    targets: Mapping[Mode, int]


class AdminService(Protocol):
    """The server as its administrator sees it."""

    @property
    def registry(self) -> Registry:
        """The forget targets; its methods block, so the admin plane calls them in threads."""

    @property
    def assistants(self) -> AssistantService | None:
        """ULD's assistants; None where the engine is not our own."""

    @property
    def metrics(self) -> Metrics:
        """What happened so far, in numbers."""

    @property
    def verdicts(self) -> VerdictLog:
        """The latest verdicts; its methods block."""

    def changed(self) -> None:
        """Take note that the registry has a newer version, which should be enforced soon."""

    async def applied(self, version: int, timeout: float) -> bool:
        """Return whether `version` or a later one is enforced within `timeout` seconds."""

    async def check(self, conversation: Sequence[Message]) -> Plan:
        """Return what would be done with `conversation`, without any call to the model."""

    def enforced(self) -> Enforced:
        """Return which policy is in force."""

    def unready(self) -> str:
        """Return why no request may be answered now; empty when the server is ready."""


def _service_of(request: Request) -> AdminService:
    service: AdminService = request.app.state.service
    return service


Service = Annotated[AdminService, Depends(_service_of)]
