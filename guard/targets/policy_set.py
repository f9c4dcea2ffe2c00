"""Policy sets: which targets hold for a client, by their tags.

A target without tags holds for everybody. A client without a policy set is answered under all targets.
"""

from __future__ import annotations

import hashlib

from guard.targets.target import ForgetTarget

PolicySet = frozenset[str]
"""The tags of a policy set; empty for all targets."""
ALL: PolicySet = frozenset()


def set_id(tags: PolicySet) -> str:
    """Return the name of a policy set in what engines read: 16 hexadecimal digits, "" for all targets."""
    return hashlib.sha256("\n".join(sorted(tags)).encode()).hexdigest()[:16] if tags else ""


def holds_for(target: ForgetTarget, tags: PolicySet) -> bool:
    """Return whether a target holds for a policy set: it has one of its tags, or none at all."""
    own = target.draft.tags
    return not tags or not own or not tags.isdisjoint(own)
