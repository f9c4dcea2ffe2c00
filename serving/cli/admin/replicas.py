"""`lethe replicas`: list the servers that share a registry."""

from __future__ import annotations

from serving.cli.console import admin_client, console
from serving.cli.output import output_options, print_table, show

COLUMNS = ("replica", "enforces", "state", "renewed", "started", "engine", "runner")


@output_options
def replicas() -> None:
    """List the servers that share the registry, and the policy version that each enforces."""
    with admin_client() as admin:
        found = admin.replicas()
    rows = [
        (
            one.name,
            str(one.enforced_version),
            "live" if one.live else "lost",
            f"{one.renewed_s:.0f} s ago",
            f"{one.started_at:%Y-%m-%dT%H:%M:%S}",
            one.engine,
            one.runner,
        )
        for one in found.replicas
    ]

    def table() -> None:
        console.print(f"registry at version {found.version}")
        print_table(COLUMNS, rows, less_important=("started", "runner", "engine"))

    show(found, table, (one.name for one in found.replicas))
