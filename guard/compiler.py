"""From the registry's active targets to the policy in force, compiled off the request path."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from guard.automaton import Automaton
from guard.conversation import windows
from guard.embedder import Embedder, Vectors
from guard.errors import PolicyUnavailable
from guard.index import TargetIndex
from guard.names import Names
from guard.policy import Policy
from guard.registry import Registry, VectorKey
from guard.target import ForgetTarget, Method, Mode, Scope

log = logging.getLogger(__name__)

# How a target is cut into rows; another way of cutting takes another name, so that kept vectors are not mistaken.
ROWS = "rows-1"
LONGEST_PAUSE = 30.0


class Compiler:
    """Builds policies; what a previous policy holds of the same target and revision is taken over.

    `folder` is where compiled automata lie for the engine to attach. It belongs to one process: compiling without
    a previous policy removes what earlier processes left there and the new policy does not name.
    """

    def __init__(self, registry: Registry, embedder: Embedder, folder: Path) -> None:
        self._registry = registry
        self._embedder = embedder
        self._folder = folder
        self._began = time.time()

    def refresh(self, previous: Policy | None, now: datetime) -> Policy:
        """Expire what is due by `now`; return the registry's policy, which is `previous` when nothing changed."""
        self._registry.expire(now)
        if previous is not None and previous.version == self._registry.version():
            return previous
        return self.compile(previous)

    def compile(self, previous: Policy | None = None) -> Policy:
        """Return the policy of the registry's present version, its automata written before it is returned.

        Raises StoreUnavailable, ModelUnavailable or PolicyUnavailable.
        """
        version, active = self._registry.snapshot()
        before = previous or _EMPTY
        contextual = [target for target in active if target.draft.scope is Scope.CONTEXTUAL]
        always = [target for target in active if target.draft.scope is Scope.ALWAYS and _restricts(target)]
        near, names = self._detection(contextual, before, fresh=previous is None)
        automata = self._automata(before, always, [target for target in contextual if _restricts(target)])
        if previous is None:
            self._sweep(automata.by_digest)
        return Policy(
            version=version,
            targets={target.id: target for target in active},
            index=near,
            names=names,
            always=automata.always,
            own=automata.own,
            automata=automata.by_digest,
        )

    def _detection(self, contextual: list[ForgetTarget], before: Policy, fresh: bool) -> _Detection:
        kept = {target.id for target in contextual if _unchanged(target, before)}
        new = [target for target in contextual if target.id not in kept]
        removed = [target for target in before.targets if target in before.index and target not in kept]
        if not new and not removed:
            return _Detection(before.index, before.names)
        index = before.index.with_changes(self._vectors(new, fresh), removed)
        names = Names.build({target.id: (target.draft.name, *target.draft.aliases) for target in contextual})
        return _Detection(index, names)

    def _vectors(self, new: list[ForgetTarget], fresh: bool) -> dict[str, Vectors]:
        name = f"{self._embedder.name}/{ROWS}"
        stored = self._registry.vectors(name) if fresh else {}
        vectors = {
            target.id: np.frombuffer(stored[key], np.float32).reshape(-1, self._embedder.dimension)
            for target in new
            if (key := VectorKey(target.id, target.revision)) in stored
        }
        unknown = {target: rows_of(target) for target in new if target.id not in vectors}
        embedded = self._embedder.embed([row for rows in unknown.values() for row in rows])
        ends = np.cumsum([len(rows) for rows in unknown.values()])
        parts = dict(zip(unknown, np.split(embedded, ends[:-1]), strict=True)) if unknown else {}
        if parts:
            kept = {VectorKey(target.id, target.revision): part.tobytes() for target, part in parts.items()}
            self._registry.keep_vectors(name, kept)
        return vectors | {target.id: part for target, part in parts.items()}

    def _automata(self, before: Policy, always: list[ForgetTarget], own: list[ForgetTarget]) -> _Automata:
        by_digest: dict[str, Automaton] = {}
        digests: dict[str, str] = {}
        for target in own:
            known = before.own.get(target.id) if _unchanged(target, before) else None
            automaton = before.automata[known] if known else self._written(target.forbidden)
            digests[target.id] = automaton.digest
            by_digest[automaton.digest] = automaton
        digest = ""
        if always:
            phrases = {phrase for target in always for phrase in target.forbidden}
            same = _literals(always) == _literals(before.targets.values())
            automaton = before.automata[before.always] if same else self._written(phrases)
            digest = automaton.digest
            by_digest[digest] = automaton
        return _Automata(digest, digests, by_digest)

    def _written(self, phrases: Iterable[str]) -> Automaton:
        compiled = Automaton.compile(phrases)
        try:
            return Automaton.attach(self._folder, compiled.digest)
        except PolicyUnavailable:
            compiled.save(self._folder)
            return Automaton.attach(self._folder, compiled.digest)

    def _sweep(self, named: Mapping[str, Automaton]) -> None:
        for path in self._folder.glob("*.automaton"):
            # What was written since this process began is in use; clocks of file systems lag a little.
            if path.stem not in named and path.stat().st_mtime < self._began - 1:
                path.unlink(missing_ok=True)


class CurrentPolicy:
    """The policy in force: one reference, swapped whole; a reader takes it once for each request.

    `policy` is None until the first is compiled; `failure` is the class of the error that keeps it from being
    up to date, or "".
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy
        self.failure = ""

    @property
    def healthy(self) -> bool:
        """Whether there is a policy and the last attempt to bring it up to date succeeded."""
        return self.policy is not None and not self.failure

    def required(self) -> Policy:
        """Return the policy; PolicyUnavailable when none is compiled yet."""
        if self.policy is None:
            raise PolicyUnavailable("the policy is being compiled")
        return self.policy


class Applier:
    """Keeps the current policy up to date with the registry.

    Any number of changes while one policy is compiled make one more compilation. Changes by other processes, and
    expiry, are seen within `poll` seconds. A failure leaves the policy as it is, makes `current.healthy` false,
    and is retried after longer and longer pauses, or at the next `notify`.
    """

    def __init__(self, compiler: Compiler, current: CurrentPolicy, poll: float = 1.0) -> None:
        self._compiler = compiler
        self._current = current
        self._poll = poll
        self._changed = asyncio.Event()
        self._applied = asyncio.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None

    def notify(self) -> None:
        """Say, from any thread, that the registry has changed."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._changed.set)

    async def wait(self, version: int, timeout: float) -> bool:
        """Return whether `version` or a later one is in force within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout), self._applied:
                await self._applied.wait_for(lambda: self._reached(version))
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Apply changes until cancelled."""
        self._loop = asyncio.get_running_loop()
        pause = self._poll
        while True:
            self._changed.clear()
            await self._apply()
            pause = min(2 * pause, LONGEST_PAUSE) if self._current.failure else self._poll
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def _apply(self) -> None:
        before = self._current.policy
        try:
            policy = await asyncio.to_thread(self._compiler.refresh, before, datetime.now(UTC))
        except Exception as error:
            self._current.failure = type(error).__name__
            log.warning("the policy stays as it is: %s", self._current.failure)
            return
        self._current.policy = policy
        self._current.failure = ""
        async with self._applied:
            self._applied.notify_all()

    def _reached(self, version: int) -> bool:
        return self._current.policy is not None and self._current.policy.version >= version


def rows_of(target: ForgetTarget) -> tuple[str, ...]:
    """Return the distinct texts by which a target is found: name, aliases, questions, answers to them, passages.

    A text of more than 64 words is cut as a conversation is.
    """
    draft = target.draft
    facts = ((fact.question, f"{fact.question} {fact.answer}") for fact in draft.facts)
    texts = (draft.name, *draft.aliases, *(text for fact in facts for text in fact), *draft.passages)
    return tuple(dict.fromkeys(window for text in texts for window in windows(text)))


class _Detection(NamedTuple):
    near: TargetIndex
    names: Names


class _Automata(NamedTuple):
    always: str
    own: dict[str, str]
    by_digest: dict[str, Automaton]


_EMPTY = Policy(
    version=-1, targets={}, index=TargetIndex.build({}), names=Names.build({}), always="", own={}, automata={}
)


def _restricts(target: ForgetTarget) -> bool:
    draft = target.draft
    # Whatever else is done, a forbidden string never leaves; a target that is only declined says nothing at all.
    return draft.mode is Mode.ENFORCE and draft.methods != (Method.DECLINE,) and bool(target.forbidden)


def _unchanged(target: ForgetTarget, before: Policy) -> bool:
    known = before.targets.get(target.id)
    return known is not None and known.revision == target.revision


def _literals(targets: Iterable[ForgetTarget]) -> set[tuple[str, int]]:
    always = (target for target in targets if target.draft.scope is Scope.ALWAYS and _restricts(target))
    return {(target.id, target.revision) for target in always}
