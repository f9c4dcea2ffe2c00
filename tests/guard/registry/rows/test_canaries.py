"""Canary shares in the registry, in both databases."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from guard.errors import TooManyCanaries
from guard.registry.copying import copy
from guard.registry.database import Location
from guard.registry.registry import Registry
from guard.registry.rows.canaries import KEY_BYTES, MAX_CANARIES
from guard.targets.target import Draft, Mode
from tests.guard.registry.conftest import location, postgres, registry, url
from tests.postgresql import Cluster

__all__ = ["location", "postgres", "registry", "url"]
SHADOW = Draft(name="Ada Quillfeather", mode=Mode.SHADOW)
CANARY = replace(SHADOW, canary=0.05)


def crowd(count: int) -> list[Draft]:
    return [replace(CANARY, name=f"Crowd Person{n:03d}") for n in range(count)]


def test_a_share_is_stored_changed_and_gone_back_to(registry: Registry) -> None:
    ada = registry.add(CANARY)
    assert registry.get(ada.id).draft == CANARY
    registry.change(ada.id, replace(SHADOW, mode=Mode.ENFORCE), 1)
    assert registry.get(ada.id).draft.canary is None
    registry.versions.go_back(registry.versions.way_back(1).steps)
    assert registry.get(ada.id).draft == CANARY


def test_a_registry_has_no_key_before_a_share_and_the_same_one_ever_after(
    registry: Registry, location: Location
) -> None:
    registry.add(SHADOW)
    assert registry.canary_key() == b""
    registry.add_many(crowd(2))
    key = registry.canary_key()
    assert len(key) == KEY_BYTES
    registry.add(replace(CANARY, name="Bo Quillfeather"))
    with closing(Registry(location)) as other:
        assert other.canary_key() == registry.canary_key() == key


def test_registries_have_keys_of_their_own_and_copies_the_same(
    registry: Registry, location: Location, postgres: Cluster
) -> None:
    registry.add(CANARY)
    target = postgres.schema()
    copy(location, target)
    with closing(Registry(target)) as copied, closing(Registry(postgres.schema())) as other:
        assert copied.canary_key() == registry.canary_key()
        assert copied.active() == registry.active()
        other.add(CANARY)
        assert other.canary_key() != registry.canary_key()


def test_no_more_active_targets_than_allowed_have_a_share(registry: Registry) -> None:
    ids = [target.id for target in registry.add_many(crowd(MAX_CANARIES))]
    with pytest.raises(TooManyCanaries) as caught:
        registry.add(CANARY)
    assert caught.value.field == "canary"
    assert len(registry.active()) == MAX_CANARIES
    registry.revoke(ids[0])
    ada = registry.add(CANARY)
    with pytest.raises(TooManyCanaries):
        registry.add_many([replace(SHADOW, name="Di Lark"), replace(CANARY, name="Cy Quillfeather")])
    registry.change(ada.id, SHADOW, 1)
    registry.add(replace(CANARY, name="Cy Quillfeather"))
