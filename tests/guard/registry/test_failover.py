"""A PostgreSQL server dies and its standby takes over: nothing that was acknowledged is lost."""

from __future__ import annotations

from contextlib import closing

import pytest

from guard.errors import StoreUnreachable
from guard.registry.database import PostgresUrl
from guard.registry.registry import Registry
from guard.targets.target import Draft
from tests.postgresql import cluster


def test_what_was_acknowledged_is_there_once_the_standby_takes_over() -> None:
    with cluster() as primary, primary.standby() as standby:
        hosts = f"host={primary.folder},{standby.folder}"
        # As many hosts as servers; a standby is passed over until it takes changes.
        url = PostgresUrl(f"postgresql:///postgres?user=lethe&{hosts}&target_session_attrs=read-write")
        readers = PostgresUrl(f"postgresql:///postgres?user=lethe&host={standby.folder}")
        with closing(Registry(url)) as registry:
            targets = [registry.add(Draft(name=f"Ilsabet Quorne {number}")) for number in range(3)]
            with closing(Registry(readers)) as reader:
                assert reader.snapshot() == (3, targets)
                with pytest.raises(StoreUnreachable, match="ReadOnlySqlTransaction"):
                    reader.revoke(targets[0].id)
            primary.stop()
            with pytest.raises(StoreUnreachable):
                registry.version()
            standby.promote()
            assert registry.snapshot() == (3, targets)
            registry.revoke(targets[0].id)
            assert [event.policy_version for event in registry.events()] == [1, 2, 3, 4]
            assert registry.first_broken_event() is None
