"""All errors of Lethe, as one tree.

LetheError
├── InvalidTarget       a forget target that cannot be stored as given            422
│   ├── CanaryNotInShadow   a canary share of a target that is not in shadow      422
│   └── TooManyCanaries     more active targets with a canary share than allowed  422
├── UnknownTarget       no forget target has this id                              404
├── DuplicateTarget     an active forget target of this name and kind exists      409
├── StaleRevision       If-Match names another revision than the stored one       412
├── NothingProposed     no change of the target waits for approval                409
├── AlreadyProposed     a change of the target by somebody else does              409
├── NotSecondPerson     who proposed a change may not approve it                  403
├── StoreUnavailable    the registry cannot be read or written                    503
│   └── StoreUnreachable  its database cannot be reached now, or is busy          503
├── PolicyUnavailable   a compiled policy file is missing or damaged              503
├── ModelUnavailable    the model, its tokenizer or the embedder cannot be loaded 503
├── EngineUnavailable   the engine is starting, dead, or fails its self-test      503
├── RequestRefused      a data-plane request that would disarm the policy         400
└── BadSettings         a setting is unknown, malformed or unsafe                 500

Messages never contain text of a target, a user or a model.
"""

from __future__ import annotations

from typing import ClassVar


class LetheError(Exception):
    """An error with a stable `code`, an HTTP `status`, and a message free of target and user text."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidTarget(LetheError):
    """A forget target that cannot be stored as given; `field` names the invalid member."""

    code = "invalid_target"
    status = 422


class CanaryNotInShadow(InvalidTarget):
    """A canary share of a target that is not in shadow: it is enforced in every conversation already."""

    code = "canary_not_in_shadow"


class TooManyCanaries(InvalidTarget):
    """More active targets with a canary share than are allowed at a time."""

    code = "too_many_canaries"


class UnknownTarget(LetheError):
    """No forget target has this id."""

    code = "unknown_target"
    status = 404


class DuplicateTarget(LetheError):
    """An active forget target of the same kind and folded name exists already."""

    code = "duplicate_target"
    status = 409


class StaleRevision(LetheError):
    """The revision named by If-Match is not the stored one."""

    code = "stale_revision"
    status = 412


class NothingProposed(LetheError):
    """No change of the target waits for approval."""

    code = "nothing_proposed"
    status = 409


class AlreadyProposed(LetheError):
    """Another change of the target waits for approval, and is decided before the next one is proposed."""

    code = "already_proposed"
    status = 409


class NotSecondPerson(LetheError):
    """Who proposed a change approves it, or tries to: that takes somebody else."""

    code = "not_second_person"
    status = 403


class StoreUnavailable(LetheError):
    """The registry's database cannot be opened, read or written."""

    code = "store_unavailable"
    status = 503


class StoreUnreachable(StoreUnavailable):
    """The registry's database cannot be reached at this moment, is busy or read-only: worth another try."""


class PolicyUnavailable(LetheError):
    """A compiled policy file is missing or damaged; rows that depend on it must be closed."""

    code = "policy_unavailable"
    status = 503


class ModelUnavailable(LetheError):
    """A model, tokenizer or embedder cannot be loaded from where the settings say."""

    code = "model_unavailable"
    status = 503


class EngineUnavailable(LetheError):
    """The engine is starting, dead, not a vLLM with our processors, or fails its self-test."""

    code = "engine_unavailable"
    status = 503


class RequestRefused(LetheError):
    """A data-plane request that would disarm the policy; `field` names the refused member."""

    code = "field_not_allowed"
    status = 400


class BadSettings(LetheError):
    """A setting is unknown, malformed or unsafe."""

    code = "bad_settings"
