"""The table of who may do what: every route of the admin plane and of the desk, with the right that it takes.

A route that is not in the table is refused to everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guard.registry.keys.key import Role
from serving.access.rights import RIGHTS, NotAllowed, Right

OPEN = None
"""The entry of a route that everybody may use."""

_TARGETS = "/admin/v1/targets"
_TARGET = f"{_TARGETS}/{{target_id}}"
_ASSISTANTS = "/admin/v1/assistants"
_KEYS = "/admin/v1/keys"
_CASES = "/admin/v1/cases"
ADMIN: Mapping[str, Right | None] = {
    f"POST {_TARGETS}": Right.EDIT,
    f"POST {_TARGETS}:batch": Right.EDIT,
    f"GET {_TARGETS}": Right.READ,
    f"GET {_TARGET}": Right.READ,
    f"PATCH {_TARGET}": Right.EDIT,
    f"DELETE {_TARGET}": Right.EDIT,
    f"GET {_TARGET}/canary": Right.READ,
    f"POST {_TARGET}:promote": Right.ENFORCE,
    f"GET {_TARGET}/proposed": Right.READ,
    f"POST {_TARGET}:approve": Right.ENFORCE,
    f"POST {_TARGET}:reject": Right.EDIT,
    f"POST {_TARGET}:elicit": Right.EDIT,
    f"GET {_TARGET}/elicitation": Right.READ,
    f"POST {_TARGET}/elicitation:cancel": Right.EDIT,
    f"POST {_TARGET}/elicitation:accept": Right.EDIT,
    "POST /admin/v1/check": Right.REVEAL,
    "POST /admin/v1/try": Right.REVEAL,
    f"POST {_ASSISTANTS}": Right.EDIT,
    f"GET {_ASSISTANTS}": Right.READ,
    f"POST {_ASSISTANTS}/{{digest}}:promote": Right.ENFORCE,
    f"POST {_ASSISTANTS}/{{digest}}:retire": Right.ENFORCE,
    f"POST {_KEYS}": Right.KEYS,
    f"GET {_KEYS}": Right.AUDIT,
    f"GET {_KEYS}/events": Right.AUDIT,
    f"POST {_KEYS}/{{key_id}}:rotate": Right.KEYS,
    f"POST {_KEYS}/{{key_id}}:revoke": Right.KEYS,
    "GET /admin/v1/policy": Right.READ,
    "GET /admin/v1/policy/diff": Right.READ,
    "POST /admin/v1/policy:rollback": Right.ENFORCE,
    "GET /admin/v1/replicas": Right.READ,
    "GET /admin/v1/engines": Right.READ,
    "POST /admin/v1/engines:drain": Right.ENFORCE,
    "GET /admin/v1/audit": Right.AUDIT,
    "GET /admin/v1/audit/checkpoints": Right.AUDIT,
    "GET /admin/v1/webhooks": Right.AUDIT,
    f"PUT {_CASES}/{{target_id}}": Right.EDIT,
    f"GET {_CASES}/{{target_id}}": Right.READ,
    f"GET {_CASES}": Right.READ,
    "POST /admin/v1/webhooks/{id}:retry": Right.ENFORCE,
    "GET /admin/v1/verdicts": Right.READ,
    "GET /metrics": Right.READ,
    "GET /livez": OPEN,
    "GET /readyz": OPEN,
    "GET /openapi.json": OPEN,
}
_LIST = "/ui/targets"
_ONE = f"{_LIST}/{{id}}"
DESK: Mapping[str, Right | None] = {
    "GET /ui/sign-in": OPEN,
    "POST /ui/sign-in": OPEN,
    "GET /ui/sign-in/provider": OPEN,
    "GET /ui/sign-in/callback": OPEN,
    "POST /ui/sign-out": OPEN,
    "GET /ui/static": OPEN,
    "GET /ui": Right.READ,
    "GET /ui/": Right.READ,
    f"GET {_LIST}": Right.READ,
    f"POST {_LIST}/reveal": Right.REVEAL,
    f"POST {_LIST}/revoke": Right.EDIT,
    f"GET {_LIST}/add": Right.EDIT,
    f"POST {_LIST}/add": Right.EDIT,
    f"GET {_ONE}": Right.READ,
    f"POST {_ONE}/reveal": Right.REVEAL,
    f"POST {_ONE}/revoke": Right.EDIT,
    f"POST {_ONE}/promote": Right.ENFORCE,
    f"POST {_ONE}/approve": Right.ENFORCE,
    f"POST {_ONE}/reject": Right.EDIT,
    f"POST {_ONE}/try": Right.REVEAL,
    f"GET {_ONE}/edit": Right.EDIT,
    f"POST {_ONE}/edit": Right.EDIT,
    f"GET {_ONE}/elicitation": Right.READ,
    f"POST {_ONE}/elicitation": Right.EDIT,
    f"POST {_ONE}/elicitation/cancel": Right.EDIT,
    f"POST {_ONE}/elicitation/accept": Right.EDIT,
    "GET /ui/import": Right.EDIT,
    "POST /ui/import": Right.EDIT,
    "GET /ui/import/rows": Right.EDIT,
    "POST /ui/import/rows": Right.EDIT,
    "POST /ui/import/discard": Right.EDIT,
    "POST /ui/export": Right.REVEAL,
    "GET /ui/cases": Right.READ,
    "POST /ui/cases": Right.EDIT,
    "POST /ui/cases/{id}/close": Right.EDIT,
    "GET /ui/verdicts": Right.READ,
    "GET /ui/verdicts/export": Right.READ,
    "GET /ui/audit": Right.AUDIT,
    "GET /ui/audit/export": Right.AUDIT,
    "GET /ui/policy": Right.AUDIT,
    "POST /ui/policy/rollback": Right.ENFORCE,
    "GET /ui/assistants": Right.READ,
    "POST /ui/assistants": Right.EDIT,
    "POST /ui/assistants/{digest}/promote": Right.ENFORCE,
    "POST /ui/assistants/{digest}/retire": Right.ENFORCE,
    "GET /ui/certificates": Right.READ,
    "POST /ui/certificates": Right.READ,
    "GET /ui/certificates/issue": Right.REVEAL,
    "POST /ui/certificates/issue": Right.REVEAL,
    "POST /ui/certificates/issue/cancel": Right.REVEAL,
    "GET /ui/certificates/{name}": Right.READ,
    "GET /ui/certificates/{name}/{kind}": Right.READ,
    "GET /ui/keys": Right.AUDIT,
    "POST /ui/keys": Right.KEYS,
    "POST /ui/keys/{id}/rotate": Right.KEYS,
    "POST /ui/keys/{id}/revoke": Right.KEYS,
}
SCORING: Mapping[str, Right | None] = {"POST /eval/v1/score": Right.REVEAL}
"""The scoring plane accepts the configured key alone."""
TABLE: Mapping[str, Right | None] = {**ADMIN, **DESK, **SCORING}
SHADOW_ONLY = frozenset(
    {
        f"POST {_TARGETS}",
        f"POST {_TARGETS}:batch",
        f"PATCH {_TARGET}",
        f"DELETE {_TARGET}",
        f"POST {_TARGET}/elicitation:accept",
    }
)
"""Routes of the admin plane that change a target: who may not enforce is refused where it is enforced."""


def right_for(method: str, path: str) -> Right | None:
    """Return the right that a route takes, OPEN for none. Raises NotAllowed for a route without an entry."""
    try:
        return TABLE[f"{'GET' if method == 'HEAD' else method} {path}"]
    except KeyError:
        raise NotAllowed("nobody may use this route: the table of rights has no entry for it") from None


def matrix() -> Iterator[str]:
    """Yield the lines of the table of admin routes and roles, in Markdown, as docs/admin-plane.md has it."""
    yield f"| route | right | {' | '.join(Role)} | configured key |"
    yield f"|---|---|{'---|' * (len(Role) + 1)}"
    for route, right in ADMIN.items():
        cells = [_cell(route, right, RIGHTS[role]) for role in Role]
        yield f"| `{route}` | {right or 'none'} | {' | '.join(cells)} | yes |"


def _cell(route: str, right: Right | None, rights: frozenset[Right]) -> str:
    if right is not OPEN and right not in rights:
        return "no"
    return "in shadow" if route in SHADOW_ONLY and Right.ENFORCE not in rights else "yes"


if __name__ == "__main__":
    print("\n".join(matrix()))
