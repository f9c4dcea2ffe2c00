"""Opens what changes targets, and puts the rule of approval that a server asks for into force."""

from __future__ import annotations

import logging

from guard.registry.approval.rule import Approval
from guard.registry.registry import Registry
from guard.targets.audit_log import Actor, acting_as
from serving.approval.changes import TargetChanges

log = logging.getLogger("lethe.approval")


def open_changes(registry: Registry, asked: Approval) -> TargetChanges:
    """Return what changes the targets of a registry.

    A server may ask for more approval than the registry takes, and it is so for all servers from then on. One that
    asks for less does not get it: else a change would wait nowhere once one such server has started.
    """
    rule = registry.approvals.rule
    stored = rule.read()
    if asked is Approval.FOUR_EYES and stored is not asked:
        with acting_as(Actor.SETTINGS):
            rule.write(asked)
        log.warning("approval: changes of what is enforced take a second person from now on, at all servers")
    elif stored is Approval.FOUR_EYES and asked is not stored:
        log.info("approval: the registry takes a second person, whatever the setting of this server")
    return TargetChanges(registry)
