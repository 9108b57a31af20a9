"""What became of `fix --apply`, `--recover` and `--undo`, for people and as JSON: on stdout, progress on stderr."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from doctor.repair.apply import Applied
    from doctor.repair.switch.inplace import Changes, Switched


def say(text: str) -> None:
    """A line of progress."""
    from doctor.base.text import clean

    click.echo(clean(text), err=True)


def print_applied(done: Applied, json: bool) -> None:
    """What `--apply` made: a new environment, and how to use it."""
    activate = f"source {quoted(done.prefix)}/bin/activate"
    lines = [*_changes(done.changes), f"created a new environment: `{done.prefix}`; the old one is unchanged"]
    if done.tried.error:
        lines.append(f"`import {done.tried.failed}` stops at the GPU here: {done.tried.error}")
    elif done.tried.modules:
        lines.append(f"imports tested: {', '.join(done.tried.modules)}")
    lines += [f"reinstalled, because it could not be copied: {', '.join(done.renewed)}"] if done.renewed else []
    lines += [f"editable, from the same folder: {', '.join(done.editable)}"] if done.editable else []
    lines += _remaining(done.remains)
    lines.append(f"activate it with:  {activate}")
    answer(json, lines, {
        "action": "apply", "mode": "new", "environment": done.prefix, "changes": _listed(done.changes),
        "imported": list(done.tried.modules), "stopped": done.tried.error, "activate": activate,
        "renewed": list(done.renewed), "editable": list(done.editable), "remains": list(done.remains),
    })  # fmt: skip


def _changes(changes: Changes) -> list[str]:
    return [f"{n}: {old or 'not installed'} -> {new or 'removed'}" for n, (old, new) in changes.items()]


def _listed(changes: Changes) -> dict[str, list[str | None]]:
    return {name: list(versions) for name, versions in changes.items()}


def _remaining(problems: tuple[str, ...]) -> list[str]:
    return ["problems that remain from before:", *(f"  {text}" for text in problems)] if problems else []


def print_switched(done: Switched, json: bool) -> None:
    """What `--apply --in-place` changed, and how to take it back."""
    lines = _changes(done.changes)
    if not done.changes:
        lines.append("nothing to change: the environment already matches these pins")
    else:
        lines.append(f"`{done.prefix}` was replaced; the previous environment is kept as `{done.previous}`")
        lines.append(f"to undo it:  qvl-doctor fix --undo --python {quoted(done.prefix)}")
    lines += _remaining(done.remains)
    answer(json, lines, {
        "action": "apply", "mode": "in-place", "environment": done.prefix,
        "changes": _listed(done.changes),
        "transaction": done.tx, "previous": done.previous, "remains": list(done.remains),
    })  # fmt: skip


def answer(json: bool, lines: list[str], data: Mapping[str, object]) -> None:
    """The answer on stdout: these lines, or `data` as JSON."""
    from doctor.base.text import clean
    from doctor.report.json import dumps

    click.echo(dumps({"schema": 1, **data}) if json else clean("\n".join(lines)))


def quoted(path: str) -> str:
    """A path as a shell reads it."""
    from doctor.base.quoting import quoted

    return quoted(path)
