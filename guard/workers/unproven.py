"""Ways to run an engine under which nobody has shown that every token is masked: they are refused at its start."""

from __future__ import annotations

from typing import Any

CACHE_CONNECTORS = frozenset(
    {"OffloadingConnector", "SimpleCPUOffloadConnector", "LMCacheConnectorV1", "LMCacheMPConnector"}
)
"""Connectors that move the KV cache between memories of one engine: the engine itself still says every token."""


def unproven(config: Any) -> str:
    """Return why an engine of this VllmConfig is refused, or an empty string."""
    transfer = getattr(config, "kv_transfer_config", None)
    connector = getattr(transfer, "kv_connector", None)
    if connector is not None:
        role = getattr(transfer, "kv_role", None)
        if role != "kv_both" or connector not in CACHE_CONNECTORS:
            return "prefill and decoding on different engines (kv_transfer_config) is not shown to be restricted"
    if getattr(getattr(config, "parallel_config", None), "enable_batch_sharded_sampling", None):
        return "batch-sharded sampling (enable_batch_sharded_sampling) is not shown to be restricted on every rank"
    return ""
