"""What became of `fix --apply`, `--recover` and `--undo`, for people and as JSON: on stdout, progress on stderr."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from doctor.base.quoting import quoted

if TYPE_CHECKING:
    from doctor.repair.apply import Applied
    from doctor.repair.switch.apart import Shared
    from doctor.repair.switch.generations import Generation
    from doctor.repair.switch.inplace import Changes, Switched
    from doctor.repair.switch.undo import Undone


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
    lines += _sharing(done.shared, "the old environment")
    lines += _remaining(done.remains)
    lines.append(f"activate it with:  {activate}")
    answer(json, lines, {
        "action": "apply", "mode": "new", "environment": done.prefix, "changes": _listed(done.changes),
        "imported": list(done.tried.modules), "stopped": done.tried.error, "activate": activate,
        "renewed": list(done.renewed), "editable": list(done.editable), "remains": list(done.remains),
        "shared": {"files": done.shared.files, "bytes": done.shared.size},
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
        lines += [f"removed the oldest earlier environment: `{path}`" for path in done.dropped]
        lines += [f"{done.kept} earlier environments are kept; list them with `fix --list`"] if done.kept > 1 else []
        lines += _sharing(done.shared, "the previous one")
        lines.append(f"to undo it:  qvl-doctor fix --undo --python {quoted(done.prefix)}")
    lines += _remaining(done.remains)
    answer(json, lines, {
        "action": "apply", "mode": "in-place", "environment": done.prefix,
        "changes": _listed(done.changes),
        "transaction": done.tx, "previous": done.previous, "remains": list(done.remains),
        "shared": {"files": done.shared.files, "bytes": done.shared.size},
        "kept": done.kept, "dropped": list(done.dropped),
    })  # fmt: skip


def _sharing(shared: Shared, other: str) -> list[str]:
    """What an edit in one environment would change in the other."""
    from doctor.report.run.units import size

    if not shared.files:
        return []
    files = "1 large binary file" if shared.files == 1 else f"{shared.files} large binary files"
    return [
        f"it shares {files} ({size(shared.size)}) with {other} by hard links: replacing one changes only this "
        "environment, writing into one changes both; everything else is separate from it"
    ]


def print_undone(prefix: str, done: Undone, json: bool) -> None:
    """What `--undo` put back, and how far that is what it was."""
    if done.kept:
        may, where = ("may have been", "") if done.edited is None else ("was", f": {some(done.edited)}")
        say(f"warning: the environment {may} changed after the repair{where}; that state is kept as `{done.kept}`")
    if done.differs == ():
        lines = [f"`{prefix}` is back to its state before repair {done.tx}"]
    elif done.differs is None:
        lines = [f"`{prefix}` is the environment from before repair {done.tx}; whether it was changed since is unknown"]
    else:
        lines = [
            f"`{prefix}` is the environment from before repair {done.tx}, but it was changed since then: "
            f"{some(done.differs)}"
        ]
    lines += [f"`--undo` can go back further: {done.left} more"] if done.left else []
    answer(json, lines, {
        "action": "undo", "environment": prefix, "transaction": done.tx, "kept": done.kept,
        "changed_since": done.kept is not None, "edited": _or_null(done.edited), "differs": _or_null(done.differs),
        "left": done.left,
    })  # fmt: skip


def print_generations(prefix: str, kept: list[Generation], apart: list[str], json: bool) -> None:
    """The earlier environments, the newest first, and what else of them is kept."""
    first = {g.path: ", the first" if g.first else "" for g in kept}
    lines = [f"{n}. `{g.path}`, replaced by repair {g.tx}{first[g.path]}" for n, g in enumerate(kept, 1)]
    lines = lines or [f"no earlier environment of `{prefix}` is kept"]
    lines += [f"also kept, but `--undo` does not lead there: `{path}`" for path in apart]
    answer(json, lines, {
        "action": "list", "environment": prefix,
        "generations": [{"path": g.path, "transaction": g.tx, "first": g.first} for g in kept], "apart": apart,
    })  # fmt: skip


def some(paths: tuple[str, ...], most: int = 3) -> str:
    """A few paths for a sentence."""
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(f"`{path}`" for path in paths[:most]) + more


def _or_null(paths: tuple[str, ...] | None) -> list[str] | None:
    return None if paths is None else list(paths)


def answer(json: bool, lines: list[str], data: Mapping[str, object]) -> None:
    """The answer on stdout: these lines, or `data` as JSON."""
    from doctor.base.text import clean
    from doctor.report.json import dumps

    click.echo(dumps({"schema": 1, **data}) if json else clean("\n".join(lines)))
