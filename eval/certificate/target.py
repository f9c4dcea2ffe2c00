"""The target of a certificate, as the admin plane reveals it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guard.targets.target import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedTarget:
    """One revision of a forget target, recorded at `since` (RFC 3339)."""

    id: str
    revision: int
    since: str
    kind: str
    mode: str
    scope: str
    methods: tuple[str, ...]
    basis: str
    external_ref: str
    name: str = field(repr=False)
    aliases: tuple[str, ...] = field(repr=False)
    facts: tuple[Fact, ...] = field(repr=False)
    passages: tuple[str, ...] = field(repr=False)
    forbidden: tuple[str, ...] = field(repr=False)

    @classmethod
    def from_json(cls, target: Mapping[str, Any]) -> CertifiedTarget:
        """Return the target in a response of `GET /admin/v1/targets/{id}?reveal=true`."""
        return cls(
            id=target["id"],
            revision=target["revision"],
            since=target["updated_at"],
            kind=target["kind"],
            mode=target["mode"],
            scope=target["scope"],
            methods=tuple(target["methods"]),
            basis=target["basis"],
            external_ref=target["external_ref"],
            name=target["name"],
            aliases=tuple(target["aliases"]),
            facts=tuple(Fact(question=fact["question"], answer=fact["answer"]) for fact in target["facts"]),
            passages=tuple(target["passages"]),
            forbidden=tuple(target["forbidden"]),
        )

    def texts(self) -> dict[str, Any]:
        """Return all its texts in a canonical form, to be digested."""
        return {
            "name": self.name,
            "aliases": list(self.aliases),
            "facts": [[fact.question, fact.answer] for fact in self.facts],
            "passages": list(self.passages),
        }
