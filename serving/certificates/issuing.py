"""Issues certificates one after the other, each by `lethe eval certify` in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr

from guard.errors import LetheError
from guard.signing import SigningKey
from serving.access.delegates import Delegates
from serving.access.rights import Caller
from serving.background.target_tasks import TargetTasks
from serving.certificates.stored import CertificateFolder

log = logging.getLogger("lethe.certificates")
MAX_ISSUES = 200
"""Issues that are remembered; of those that have ended, the oldest are forgotten first."""
STOP_S = 5.0
"""Seconds that a cancelled process has to end by itself."""
COMMAND = (sys.executable, "-m", "serving", "eval", "certify")
_STEP = re.compile(r"(?P<step>.+): (?P<percent>\d{1,3})%")
_ERROR = re.compile(r"(?P<code>[a-z_]+) (?P<detail>.+)")


class IssueState(StrEnum):
    """The state of an issue."""

    QUEUED = "queued"
    MEASURING = "measuring"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Issue:
    """The issue of one certificate, without any text.

    enforce       whether a target in shadow mode is measured, enforced, and measured again
    step, share   what is being done, and the share of it that is done, from 0 to 1
    code, detail  the error of one that failed, or ""
    name          of the certificate once it is stored
    """

    target_id: str
    enforce: bool = False
    state: IssueState = IssueState.QUEUED
    step: str = ""
    share: float = 0.0
    code: str = ""
    detail: str = ""
    name: str = ""

    @property
    def open(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in (IssueState.QUEUED, IssueState.MEASURING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """This server as its processes reach it: the URLs of its planes, and a key of its data plane."""

    data_url: str
    admin_url: str
    client_key: SecretStr


class CertificateIssuer:
    """Measures targets at this server and signs what was measured, one target at a time.

    A process asks as a client does, so that nothing of the server's own is trusted; it reads the target on the
    admin plane with the rights of who asked for the certificate. Belongs to the event loop, except for `stored`.
    """

    def __init__(
        self,
        stored: CertificateFolder,
        signing_key: Path,
        planes: Planes,
        delegates: Delegates,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.stored = stored
        self._signing_key = signing_key
        self._planes = planes
        self._delegates = delegates
        self._command = command
        self._turn = asyncio.Lock()
        self._issues: dict[str, Issue] = {}
        self._tasks = TargetTasks()

    def issues(self) -> list[Issue]:
        """Return what was asked for since the server started, the latest first; of each target its last one."""
        return list(self._issues.values())[::-1]

    def start(self, target_id: str, caller: Caller, *, enforce: bool = False) -> Issue:
        """Queue the issue of a certificate, unless the target has one that has not ended, and return it."""
        issue = self._issues.get(target_id)
        if issue is not None and issue.open:
            return issue
        self._issues.pop(target_id, None)
        issue = self._issues[target_id] = Issue(target_id, enforce)
        ended = [id for id, one in self._issues.items() if not one.open]
        for id in ended[: max(0, len(self._issues) - MAX_ISSUES)]:
            del self._issues[id]
        self._tasks.start(target_id, self._run(issue, caller))
        return issue

    def cancel(self, target_id: str) -> None:
        """Cancel the issue of a target if it has not ended. What it has enforced stays enforced."""
        issue = self._issues.get(target_id)
        if issue is not None and issue.open:
            issue.state = IssueState.CANCELLED
            self._tasks.cancel(target_id)

    async def close(self) -> None:
        """Cancel all issues."""
        await self._tasks.close()

    async def _run(self, issue: Issue, caller: Caller) -> None:
        try:
            async with self._turn:
                issue.state = IssueState.MEASURING
                await self._measure(issue, caller)
        except LetheError as error:
            issue.state, issue.code, issue.detail = IssueState.FAILED, error.code, error.message
        except OSError as error:
            issue.state, issue.code, issue.detail = IssueState.FAILED, LetheError.code, type(error).__name__
        finally:
            log.info("certificate of %s: %s", issue.target_id, issue.state.value)

    async def _measure(self, issue: Issue, caller: Caller) -> None:
        out = await asyncio.to_thread(self._prepare, issue.target_id)
        options = {
            "--target": issue.target_id,
            "--url": self._planes.data_url,
            "--key": str(self._signing_key),
            "--out": str(out),
        }
        given = [part for pair in options.items() for part in pair] + ["--enforce"] * issue.enforce
        with self._delegates.acting(caller) as secret:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *given,
                env={
                    **os.environ,
                    "ADMIN_URL": self._planes.admin_url,
                    "LETHE_ADMIN_KEY": secret.get_secret_value(),
                    "OPENAI_API_KEY": self._planes.client_key.get_secret_value(),
                },
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                await _follow(process, issue)
            finally:
                await _stop(process)
        if process.returncode == 0 and out.exists():
            issue.state, issue.share, issue.name = IssueState.DONE, 1.0, out.stem
            return
        issue.state, issue.code = IssueState.FAILED, issue.code or LetheError.code
        issue.detail = issue.detail or f"the process that measured ended with status {process.returncode}"

    def _prepare(self, target_id: str) -> Path:
        # The first certificate makes the key.
        SigningKey.load_or_make(self._signing_key)
        return self.stored.new(target_id, datetime.now(UTC))


async def _follow(process: asyncio.subprocess.Process, issue: Issue) -> None:
    """Read the process's progress and its error until it ends."""
    assert process.stderr is not None
    async for raw in process.stderr:
        line = raw.decode(errors="replace").strip()
        if step := _STEP.fullmatch(line):
            issue.step, issue.share = step["step"], min(int(step["percent"]) / 100, 1.0)
        elif error := _ERROR.fullmatch(line):
            issue.code, issue.detail = error["code"], error["detail"]
    await process.wait()


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
