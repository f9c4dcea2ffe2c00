"""`lethe replicas`: list the servers that share a registry."""

from __future__ import annotations

from serving.cli.console import admin_client, console, print_table


def replicas() -> None:
    """List the servers that share the registry, and the policy version that each enforces."""
    with admin_client() as admin:
        found = admin.replicas()
    console.print(f"registry at version {found['version']}")
    rows = [
        (
            one["name"],
            str(one["enforced_version"]),
            "live" if one["live"] else "lost",
            f"{one['renewed_s']:.0f} s ago",
            one["started_at"][:19],
            one["engine"],
            one["runner"],
        )
        for one in found["replicas"]
    ]
    print_table(("replica", "enforces", "state", "renewed", "started", "engine", "runner"), rows)
