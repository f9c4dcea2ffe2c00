from __future__ import annotations

import pytest

from guard.targets.audit_log import Action
from serving.audit.ocsf import ACTIVITIES, ocsf_of

EVENT = {
    "seq": 7,
    "at": "2026-11-27T06:00:00Z",
    "action": "added",
    "target_id": "ft_01",
    "revision": 2,
    "policy_version": 3,
    "actor": "admin",
    "digest": "ab" * 32,
}
# What OCSF 1.3.0 requires of the class Entity Management and of every event.
REQUIRED = {
    *("activity_id", "category_uid", "class_uid", "entity", "metadata", "severity_id", "time", "type_uid"),
}


@pytest.mark.parametrize("action", list(Action))
def test_every_action_is_an_event_of_the_class(action: Action) -> None:
    made = ocsf_of(EVENT | {"action": action.value}, "0.1.0")
    assert made.keys() >= REQUIRED
    assert made["type_uid"] == made["class_uid"] * 100 + made["activity_id"]
    assert made["metadata"].keys() >= {"product", "version"}
    assert made["unmapped"]["action"] == action.value
    assert action in ACTIVITIES


def test_time_is_in_milliseconds_and_the_target_is_the_entity() -> None:
    made = ocsf_of(EVENT, "0.1.0")
    assert made["time"] == 1_795_759_200_000
    assert made["entity"] == {"uid": "ft_01", "type": "forget target", "version": "2"}
    assert made["actor"]["user"] == {"name": "admin", "type_id": 2}
    assert ocsf_of(EVENT | {"actor": "clock"}, "0.1.0")["actor"]["user"]["type_id"] == 3
    assert ocsf_of(EVENT | {"actor": "erasure desk"}, "0.1.0")["actor"]["user"]["type_id"] == 2
    assert made["metadata"]["uid"] == EVENT["digest"]


def test_a_look_at_texts_is_told_from_changes_by_its_severity() -> None:
    assert ocsf_of(EVENT | {"action": "revealed"}, "0.1.0")["severity_id"] == 2
