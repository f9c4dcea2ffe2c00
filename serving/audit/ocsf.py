"""Audit events as OCSF: class Entity Management (3004) of the category Identity & Access Management.

The members follow version 1.3.0 of the Open Cybersecurity Schema Framework, so that a SIEM takes them without a
parser of its own. What OCSF has no place for (the chain of digests) stands under `unmapped`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from guard.targets.audit_log import Action, Actor

VERSION = "1.3.0"
CLASS, CATEGORY = 3004, 3
CREATE, READ, UPDATE, DELETE, OTHER = 1, 2, 3, 4, 99
ACTIVITIES: Final[Mapping[Action, int]] = {
    Action.ADDED: CREATE,
    Action.REVEALED: READ,
    Action.CHANGED: UPDATE,
    Action.REVOKED: DELETE,
    Action.EXPIRED: DELETE,
    Action.ELICITED: OTHER,
    Action.PROPOSED: OTHER,
    Action.APPROVED: OTHER,
    Action.REJECTED: OTHER,
}
NAMES: Final[Mapping[int, str]] = {
    CREATE: "Create",
    READ: "Read",
    UPDATE: "Update",
    DELETE: "Delete",
    OTHER: "Other",
}


def ocsf_of(event: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return an event of the admin plane as an OCSF event; `version` is that of Lethe."""
    activity = ACTIVITIES.get(event["action"], OTHER)
    # The reading of a target's texts is what somebody watches for.
    severity = (2, "Low") if activity == READ else (1, "Informational")
    at = datetime.fromisoformat(event["at"])
    return {
        "category_uid": CATEGORY,
        "category_name": "Identity & Access Management",
        "class_uid": CLASS,
        "class_name": "Entity Management",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Entity Management: {NAMES[activity]}",
        "activity_id": activity,
        "activity_name": event["action"] if activity == OTHER else NAMES[activity],
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": 1,
        "status": "Success",
        "time": round(at.timestamp() * 1000),
        "metadata": {
            "version": VERSION,
            "uid": event["digest"],
            "sequence": event["seq"],
            "log_name": "audit",
            "product": {"name": "Lethe", "vendor_name": "Lethe", "version": version},
        },
        "actor": {"user": {"name": event["actor"], "type_id": 3 if event["actor"] == Actor.CLOCK else 2}},
        "entity": {"uid": event["target_id"], "type": "forget target", "version": str(event["revision"])},
        "message": f"forget target {event['action']}",
        "unmapped": {
            "digest": event["digest"],
            "policy_version": event["policy_version"],
            "action": event["action"],
            "proposer": event.get("proposer", ""),
        },
    }
