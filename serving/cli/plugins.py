"""Commands that packages add to `lethe`: the entry-point group `lethe.commands`.

An entry point's name is the command's path, its value a `typer.Typer`, which becomes a group, or a function, which
becomes a command: `eval = "eval.cli.app:app"` adds the group `lethe eval`, and `"alu.cost" = "eval.cli.alu:cost"`
adds the command `cost` to the group `lethe alu`, whichever package added that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint

import typer

GROUP = "lethe.commands"


def add_commands(
    app: typer.Typer, points: Iterable[EntryPoint], report: Callable[[EntryPoint, Exception], None]
) -> None:
    """Add the command or group of each entry point to `app`; call `report` with one that fails, and skip it.

    A command never replaces another one of its name.
    """
    # Groups come before what is added to them.
    for point in sorted(points, key=lambda point: (point.name.count("."), point.name)):
        try:
            *path, name = point.name.split(".")
            _add(_group(app, path), name, point.load())
        except Exception as error:
            report(point, error)


def _group(app: typer.Typer, path: Sequence[str]) -> typer.Typer:
    for name in path:
        groups = (group.typer_instance for group in app.registered_groups if group.name == name)
        found = next(groups, None)
        if found is None:
            raise LookupError(f"there is no group {name}")
        app = found
    return app


def _add(app: typer.Typer, name: str, value: object) -> None:
    if name in _names(app):
        raise LookupError("there is a command of this name")
    if isinstance(value, typer.Typer):
        app.add_typer(value, name=name)
    elif callable(value):
        app.command(name)(value)
    else:
        raise TypeError("neither a typer.Typer nor a function")


def _names(app: typer.Typer) -> Iterator[str | None]:
    yield from (group.name for group in app.registered_groups)
    for command in app.registered_commands:
        yield command.name or (command.callback.__name__.replace("_", "-") if command.callback else None)
