"""What `fix --apply`, `--recover` and `--undo` do: ask, carry out, tell. Answers go to stdout, all else to stderr."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from doctor.cli.output import failure

if TYPE_CHECKING:
    from doctor.repair.inplace import Switched


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of `fix` that say what to change and how."""

    prefix: str
    question: dict[str, Any]
    launch: tuple[str, ...] = ()
    in_place: bool = False
    yes: bool = False
    to: str | None = None
    find_links: str | None = None
    offline: bool = False
    json: bool = False

    @staticmethod
    def of(options: dict[str, Any]) -> Wanted:
        """From the command's options. Raises click.UsageError where no environment is meant."""
        links = options["find_links"]
        return Wanted(
            prefix=_prefix(options), question={k: options[k] for k in ("model", "gpu", "driver")},
            launch=options["launch"], in_place=options["in_place"], yes=options["yes"], to=options["to"],
            find_links=str(Path(links).absolute()) if links else None, offline=options["offline"],
            json=options["form"] == "json",
        )  # fmt: skip


def carry_out(ctx: click.Context, do: str, wanted: Wanted) -> None:
    """Runs one of the three; ends with 3 and a sentence where it was not done, with 130 on Ctrl-C."""
    actions: dict[str, Callable[[Wanted], None]] = {"apply": _apply, "recover": _recover, "undo": _undo}
    if do not in actions:
        raise click.UsageError("say what to do: --plan, --apply, --recover or --undo")
    with _interruptions(ctx):
        actions[do](wanted)


@contextlib.contextmanager
def _interruptions(ctx: click.Context) -> Iterator[None]:
    from doctor.repair.errors import RepairError, Terminated
    from doctor.repair.pins import PinsError

    try:
        yield
    except PinsError as error:
        raise click.UsageError(str(error)) from None
    except RepairError as error:
        raise failure(str(error)) from None
    except KeyboardInterrupt:
        say("interrupted; the environment is as it was")
        ctx.exit(128 + signal.SIGINT)
    except Terminated as stop:
        say("ended by a signal; the environment is as it was")
        ctx.exit(128 + stop.signum)


def say(text: str) -> None:
    """A line of progress."""
    from doctor.text import clean

    click.echo(clean(text), err=True)


def _apply(wanted: Wanted) -> None:
    from doctor.collect.target import TargetRequest
    from doctor.pipeline import Request
    from doctor.pipeline.repair import switch_in_place
    from doctor.report import json as _  # what tells the outcome is loaded while nothing has happened yet
    from doctor.repair.pins import read_pins
    from doctor.repair.prepare import Source

    if wanted.to is None:
        raise click.UsageError("name the pins with --to FILE")
    if not wanted.in_place:
        raise click.UsageError("say --in-place")
    pins = read_pins(wanted.to)
    _ask(wanted, f"change `{wanted.prefix}` in place to {', '.join(p.line.split()[0] for p in pins)}?")
    request = Request(TargetRequest(), wanted.launch, **wanted.question)
    source = Source(wanted.find_links, wanted.offline)
    done = switch_in_place(wanted.prefix, pins, source, request, say)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is done: only the telling is left
    _tell_switched(done, wanted.json)


def _tell_switched(done: Switched, json: bool) -> None:
    changes = {name: list(versions) for name, versions in done.changes.items()}
    lines = [f"{name}: {old or 'not installed'} -> {new}" for name, (old, new) in done.changes.items()]
    if not done.changes:
        lines.append("nothing to change: the environment is at these pins already")
    else:
        lines.append(f"`{done.prefix}` was switched; the environment before is kept as `{done.previous}`")
        lines.append(f"to take it back:  qvl-doctor fix --undo --python {_quoted(done.prefix)}")
    if done.remains:
        lines += ["problems that were there before and still are:", *(f"  {text}" for text in done.remains)]
    _answer(json, lines, {
        "action": "apply", "mode": "in-place", "environment": done.prefix, "changes": changes,
        "transaction": done.tx, "previous": done.previous, "remains": list(done.remains),
    })  # fmt: skip


def _recover(wanted: Wanted) -> None:
    from doctor.repair.recover import recover

    found = recover(wanted.prefix)
    lines = [f"repair {tx} had been made; it is now complete" for tx in found.finished]
    lines += [f"repair {tx} had not been made; what it left was removed" for tx in found.discarded]
    lines += [f"the environment before is kept as `{found.previous}`"] if found.previous else []
    _answer(wanted.json, lines or ["nothing to recover"], {
        "action": "recover", "environment": wanted.prefix, "finished": list(found.finished),
        "discarded": list(found.discarded), "previous": found.previous,
    })  # fmt: skip


def _undo(wanted: Wanted) -> None:
    from doctor.repair.undo import undo

    done = undo(wanted.prefix)
    lines = [f"`{wanted.prefix}` is again what it was before repair {done.tx}"]
    if done.kept:
        say(
            "warning: the environment had been changed after the repair (its digest is not the committed one); "
            f"that state is kept as `{done.kept}`"
        )
    _answer(wanted.json, lines, {
        "action": "undo", "environment": wanted.prefix, "transaction": done.tx, "kept": done.kept,
        "changed_since": done.kept is not None,
    })  # fmt: skip


def _ask(wanted: Wanted, question: str) -> None:
    from doctor.text import clean

    if wanted.yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask: say --yes")
    if not click.confirm(clean(question), err=True):
        raise failure("not confirmed; nothing was changed")


def _answer(json: bool, lines: list[str], data: dict[str, Any]) -> None:
    from doctor.report.json import dumps
    from doctor.text import clean

    click.echo(dumps({"schema": 1, **data}) if json else clean("\n".join(lines)))


def _prefix(options: dict[str, Any]) -> str:
    from doctor.collect.target import TargetError, TargetRequest, find_target
    from doctor.repair.place import prefix_of

    if options["paths"] or options["root"]:
        raise click.UsageError("only an environment can be changed: name it with --python")
    if options["python"]:
        return prefix_of(options["python"])
    try:
        found = find_target(TargetRequest(launcher=options["launch"]))
    except TargetError as error:
        raise click.UsageError(str(error)) from None
    if found.prefix is None:
        raise click.UsageError("name the environment with --python")
    return found.prefix


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)
