"""The contract between server and engine workers: the arguments of a request for the workers' logits processors.

The server writes these arguments into `vllm_xargs`, and vLLM hands them to the processors as `extra_args`. Each
processor loads only its own part: a malformed argument closes the row in the processor that it concerns, and the
others work on.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from guard.errors import PolicyUnavailable
from guard.targets.target import MAX_ALPHA, MAX_FILTER_RATE

POLICY = "lethe_policy"
AUTOMATA = "lethe_automata"
POLICY_SET = "lethe_policy_set"
REWIND = "lethe_rewind"
AVOIDED = "lethe_avoided"
BARRED = "lethe_barred"
BIAS = "lethe_bias"
ASSISTANT = "lethe_assistant"
ALPHA = "lethe_alpha"
FILTER = "lethe_filter"

CLOSED = "closed"
"""The value of `lethe_automata` for a row that may only end."""
UNRESTRICTED = "unrestricted"
"""The value of `lethe_automata` for a row that nothing restricts, not even live automata: elicitation asks so."""

MAX_POLICY_CHARS = 64
MAX_AUTOMATA = 1_024
"""Automata of one row, of which each costs some microseconds a step: a plan that needs more declines."""
MAX_BIASES = 32
"""Biases of one row, of which each holds a number per token: a plan that needs more declines."""

POLICY_DIR_ENV = "LETHE_POLICY_DIR"
"""Environment variable of a worker: folder of compiled automata and biases."""
ASSISTANT_DIR_ENV = "LETHE_ASSISTANT_DIR"
"""Environment variable of a worker: folder of promoted assistants."""

DIFFERENCE_PROCESSOR = "guard.vllm_v1.difference:DifferenceProcessor"
BIAS_PROCESSOR = "guard.vllm_v1.bias:BiasProcessor"
RESTRICTION_PROCESSOR = "guard.vllm_v1:RestrictionProcessor"
PROCESSORS = (DIFFERENCE_PROCESSOR, BIAS_PROCESSOR, RESTRICTION_PROCESSOR)
"""Import paths of all processors for vLLM's V1 runner, in the order in which an engine must apply them.

Logit difference replaces a row's logits, a bias adds to them, and the restriction masks them. It comes last so
that what is masked stays masked.
"""
PROCESSORS_V2 = tuple(path.replace("guard.vllm_v1", "guard.vllm_v2") for path in PROCESSORS)
"""The same for vLLM's V2 runner."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SET = re.compile(r"([0-9a-f]{16})?")
_IDS = re.compile(r"([0-9]{1,9}(,[0-9]{1,9})*)?")


class Backtracking(NamedTuple):
    """How a row aborts before it completes a phrase: by the id `token`. Its first token is none of `avoided`, and
    none of its tokens is one of `barred`.

    The id is one of the request's `stop_token_ids`, and decodes to no text (see guard.decoding.backtracking).
    """

    token: int
    avoided: tuple[int, ...] = ()
    barred: tuple[int, ...] = ()

    def dump(self) -> dict[str, object]:
        """Return it as arguments of a request."""
        lists = {AVOIDED: self.avoided, BARRED: self.barred}
        return {REWIND: self.token, **{name: ",".join(map(str, ids)) for name, ids in lists.items() if ids}}


class Subtraction(NamedTuple):
    """The assistant that a request names, with strength and filter rate; None for the assistant's own."""

    digest: str
    alpha: float | None = None
    filter_rate: float | None = None

    def dump(self) -> dict[str, object]:
        """Return it as arguments of a request."""
        arguments = {ASSISTANT: self.digest, ALPHA: self.alpha, FILTER: self.filter_rate}
        return {name: value for name, value in arguments.items() if value is not None}


@dataclass(frozen=True, slots=True)
class EngineArgs:
    """The arguments of one request for the processors.

    policy        version of the policy in force for the request
    automata      digests of the automata that restrict it
    closed        whether it may only end; it has no automata then
    backtracking  how it aborts inside a phrase; ignored where there are no automata
    biases        digests of the biases added to its logits
    subtraction   the assistant subtracted from its logits
    policy_set    id of the policy set whose live automata hold for it; "" for those of all
    unrestricted  whether not even the live automata hold for it; it has none of its own then
    """

    policy: str
    automata: tuple[str, ...] = ()
    closed: bool = False
    backtracking: Backtracking | None = None
    biases: tuple[str, ...] = ()
    subtraction: Subtraction | None = None
    unrestricted: bool = False
    policy_set: str = ""

    def dump(self) -> dict[str, object]:
        """Return these arguments by their names in a request; absent ones are left out."""
        given: dict[str, object] = {
            POLICY: self.policy,
            AUTOMATA: self._automata(),
        }
        if self.policy_set:
            given[POLICY_SET] = self.policy_set
        if self.backtracking is not None:
            given |= self.backtracking.dump()
        if self.biases:
            given[BIAS] = ",".join(self.biases)
        if self.subtraction is not None:
            given |= self.subtraction.dump()
        return given

    def _automata(self) -> str:
        if self.closed:
            return CLOSED
        return UNRESTRICTED if self.unrestricted else ",".join(self.automata)

    @classmethod
    def load(cls, extra_args: Mapping[str, object] | None) -> EngineArgs:
        """Load all parts from a request's extra arguments.

        Raises ValueError when any part is malformed. The message contains nothing of the arguments.
        """
        args = cls.load_restriction(extra_args)
        return replace(args, biases=load_biases(extra_args), subtraction=load_subtraction(extra_args))

    @classmethod
    def load_restriction(cls, extra_args: Mapping[str, object] | None) -> EngineArgs:
        """Load only what concerns the restriction; biases and subtraction are not read.

        Raises ValueError when `lethe_policy` is missing, or this part is malformed: the caller must close the row
        or refuse the request. The message contains nothing of the arguments.
        """
        given = extra_args or {}
        policy, automata = given.get(POLICY), given.get(AUTOMATA)
        if not isinstance(policy, str) or not 0 < len(policy) <= MAX_POLICY_CHARS:
            raise ValueError(f"{POLICY} must be a string of 1 to {MAX_POLICY_CHARS} characters")
        if not isinstance(automata, str):
            raise ValueError(f"{AUTOMATA} must be a string")
        policy_set = given.get(POLICY_SET, "")
        if not isinstance(policy_set, str) or not _SET.fullmatch(policy_set):
            raise ValueError(f"{POLICY_SET} must be the id of a policy set")
        if automata in ("", CLOSED, UNRESTRICTED):
            closed, unrestricted = automata == CLOSED, automata == UNRESTRICTED
            return cls(policy, closed=closed, unrestricted=unrestricted, policy_set=policy_set)
        digests = _digests(automata, AUTOMATA, MAX_AUTOMATA)
        backtracking = _backtracking(given)
        return cls(policy, digests, backtracking=backtracking, policy_set=policy_set)


def folder_of(variable: str) -> Path:
    """Return the folder that an environment variable of this worker names; PolicyUnavailable without it."""
    folder = os.environ.get(variable)
    if not folder:
        raise PolicyUnavailable(f"{variable} is not set")
    return Path(folder)


def load_biases(extra_args: Mapping[str, object] | None) -> tuple[str, ...]:
    """Load only the digests of the biases that a request names.

    Raises ValueError as EngineArgs.load_restriction does.
    """
    given = (extra_args or {}).get(BIAS, "")
    return () if given == "" else _digests(given, BIAS, MAX_BIASES)


def load_subtraction(extra_args: Mapping[str, object] | None) -> Subtraction | None:
    """Load only the assistant that a request names, None when it names none.

    Raises ValueError as EngineArgs.load_restriction does.
    """
    given = extra_args or {}
    digest = given.get(ASSISTANT, "")
    alpha, rate = _number(given, ALPHA, MAX_ALPHA), _number(given, FILTER, MAX_FILTER_RATE)
    if digest == "":
        return None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError(f"{ASSISTANT} must be the digest of an assistant")
    return Subtraction(digest, alpha, rate)


def _digests(given: object, name: str, max_count: int) -> tuple[str, ...]:
    digests = tuple(given.split(",", max_count)) if isinstance(given, str) else ()
    if not 0 < len(digests) <= max_count or not all(map(_DIGEST.fullmatch, digests)):
        raise ValueError(f"{name} must be at most {max_count} digests, divided by commas")
    return digests


def _backtracking(given: Mapping[str, object]) -> Backtracking | None:
    token = given.get(REWIND)
    if token is None:
        return None
    if type(token) is not int or token < 0:
        raise ValueError(f"{REWIND} must be the id of a token")
    return Backtracking(token, _ids(given, AVOIDED), _ids(given, BARRED))


def _ids(given: Mapping[str, object], name: str) -> tuple[int, ...]:
    ids = given.get(name, "")
    if not isinstance(ids, str) or not _IDS.fullmatch(ids):
        raise ValueError(f"{name} must be ids of tokens, divided by commas")
    return tuple(int(one) for one in ids.split(",") if one)


def _number(given: Mapping[str, object], name: str, upper: float) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number")
    if not 0 <= value <= upper:
        raise ValueError(f"{name} must be between 0 and {upper:g}")
    return float(value)
