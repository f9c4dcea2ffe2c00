from __future__ import annotations

from types import SimpleNamespace

import pytest

from guard.workers.unproven import unproven


def config(connector: str | None = None, role: str | None = None, sharded: bool | None = False) -> SimpleNamespace:
    transfer = SimpleNamespace(kv_connector=connector, kv_role=role)
    parallel = SimpleNamespace(enable_batch_sharded_sampling=sharded)
    return SimpleNamespace(kv_transfer_config=transfer, parallel_config=parallel)


@pytest.mark.parametrize(
    ("connector", "role"),
    [
        ("NixlConnector", "kv_both"),
        ("NixlConnector", "kv_producer"),
        ("P2pNcclConnector", "kv_consumer"),
        ("MultiConnector", "kv_both"),
        ("LMCacheConnectorV1", "kv_producer"),
        ("LMCacheConnectorV1", "kv_consumer"),
        ("SomebodysOwnConnector", "kv_both"),
    ],
)
def test_prefill_and_decoding_on_different_engines_is_refused(connector: str, role: str) -> None:
    assert "kv_transfer_config" in unproven(config(connector, role))


@pytest.mark.parametrize("connector", ["OffloadingConnector", "LMCacheConnectorV1", "LMCacheMPConnector"])
def test_a_cache_in_other_memory_of_one_engine_is_not(connector: str) -> None:
    assert unproven(config(connector, "kv_both")) == ""


def test_batch_sharded_sampling_is_refused() -> None:
    assert "enable_batch_sharded_sampling" in unproven(config(sharded=True))


def test_an_engine_without_any_of_it_is_taken() -> None:
    assert unproven(config()) == unproven(config(sharded=None)) == unproven(SimpleNamespace()) == ""
    assert unproven(SimpleNamespace(kv_transfer_config=None)) == ""
