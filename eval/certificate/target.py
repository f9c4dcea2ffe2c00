"""The target of a certificate, as the admin plane reveals it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from guard.targets.target import Fact
from serving.client.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedTarget:
    """One revision of a forget target, recorded at `since`."""

    id: str
    revision: int
    since: datetime
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
    def of(cls, target: Target) -> CertifiedTarget:
        """Return the target that the admin plane revealed."""
        return cls(
            id=target.id,
            revision=target.revision,
            since=target.updated_at,
            kind=target.kind,
            mode=target.mode,
            scope=target.scope,
            methods=target.methods,
            basis=target.basis,
            external_ref=target.external_ref,
            name=target.name,
            aliases=target.aliases,
            facts=tuple(Fact(question=fact.question, answer=fact.answer) for fact in target.facts),
            passages=target.passages,
            forbidden=target.forbidden,
        )

    def texts(self) -> dict[str, Any]:
        """Return all its texts in a canonical form, to be digested."""
        return {
            "name": self.name,
            "aliases": list(self.aliases),
            "facts": [[fact.question, fact.answer] for fact in self.facts],
            "passages": list(self.passages),
        }
