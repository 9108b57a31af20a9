"""What `fix --apply`, `--recover` and `--undo` do: ask, and carry out."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from doctor.base.record import dataclass
from doctor.cli.answer.output import failure
from doctor.cli.answer.repaired import answer, print_applied, print_switched, say

if TYPE_CHECKING:
    from doctor.api import Request
    from doctor.repair.switch.inplace import WantedPins


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of `fix` that say what to change and how."""

    options: dict[str, Any]
    in_place: bool = False
    yes: bool = False
    to: str | None = None
    find_links: str | None = None
    offline: bool = False
    json: bool = False
    generations: int = 3

    @staticmethod
    def of(options: dict[str, Any]) -> Wanted:
        """From the command's options."""
        links = options["find_links"]
        return Wanted(
            options, in_place=options["in_place"], yes=options["yes"], to=options["to"],
            find_links=str(Path(links).absolute()) if links else None, offline=options["offline"],
            json=options["form"] == "json", generations=options["generations"],
        )  # fmt: skip

    @property
    def prefix(self) -> str:
        """The environment's folder. Raises click.UsageError where none is meant."""
        return _prefix(self.options)

    @property
    def request(self) -> Request:
        """The question to the pipeline, with the target."""
        from doctor.api import Request
        from doctor.cli.request.options import target_request

        question = {k: self.options[k] for k in ("launch", "model", "gpu", "driver")}
        return Request(target_request(dict(self.options)), **question)

    def goal(self) -> WantedPins:
        """The pins of --to, else those of a plan. Raises click.ClickException where there is no plan."""
        from doctor.repair.switch.inplace import WantedPins
        from doctor.repair.wheels.pins import read_pins

        return WantedPins(read_pins(self.to)) if self.to is not None else _planned(self.options)


def carry_out(ctx: click.Context, do: str, wanted: Wanted) -> None:
    """Runs one of the three; ends with 3 and a sentence where it was not done, with 130 on Ctrl-C."""
    actions: dict[str, Callable[[Wanted], None]] = {"apply": _apply, "recover": _recover, "undo": _undo, "list": _list}
    if do not in actions:
        raise click.UsageError("expected one of --plan, --apply, --recover, --undo or --list")
    there = _Identity(wanted if do == "undo" or wanted.in_place else None)
    with _interruptions(ctx, there):
        actions[do](wanted)


class _Identity:
    """Which folder stands at the environment's path: a switch and an undo put another one there."""

    def __init__(self, wanted: Wanted | None) -> None:
        self._path = wanted.prefix if wanted else None
        self._before = self._now()

    def _now(self) -> int | None:
        with contextlib.suppress(OSError):
            return Path(self._path).stat().st_ino if self._path else None
        return None

    def __str__(self) -> str:
        return "the environment is unchanged" if self._now() == self._before else "the environment had been replaced"


@contextlib.contextmanager
def _interruptions(ctx: click.Context, there: _Identity) -> Iterator[None]:
    from doctor.repair.errors import RepairError, Terminated
    from doctor.repair.wheels.pins import PinsError

    try:
        yield
    except PinsError as error:
        raise click.UsageError(str(error)) from None
    except RepairError as error:
        raise failure(str(error)) from None
    except KeyboardInterrupt:
        say(f"interrupted; {there}")
        ctx.exit(128 + signal.SIGINT)
    except Terminated as stop:
        say(f"ended by a signal; {there}")
        ctx.exit(128 + stop.signum)


def _apply(wanted: Wanted) -> None:
    from doctor import api
    from doctor.pipeline.repair import switch_in_place
    from doctor.repair.wheels.prepare import Source

    request, source = wanted.request, Source(wanted.find_links, wanted.offline)
    prefix = wanted.prefix if wanted.in_place else ""
    goal = wanted.goal()
    if not wanted.in_place:
        print_applied(api.apply(request, goal, source, say), wanted.json)
        return
    words = [p.line.split()[0] for p in goal.pins] + [f"without {name}" for name in goal.removed]
    _ask(wanted, f"change `{prefix}` in place to {', '.join(words)}?{_price(prefix, wanted.generations)}")
    done = switch_in_place(prefix, goal, source, request, say, wanted.generations)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is done: only the answer is left
    for path in done.dropped:
        say(f"warning: the oldest earlier environment was removed: `{path}`; `--generations` keeps more")
    _warn_of_leftovers(prefix)
    print_switched(done, wanted.json)


def _price(prefix: str, keep: int) -> str:
    """What of the earlier environments a repair costs, for the question."""
    from doctor.repair.switch.generations import generations

    doomed = [g.path for g in generations(prefix)[max(keep - 1, 0) :]]
    return f" (this removes {', '.join(doomed)}; `--generations` keeps more)" if doomed else ""


def _warn_of_leftovers(prefix: str) -> None:
    from doctor.repair.switch.recover import leftovers

    for path in leftovers(prefix):
        say(f"warning: `{path}` could not be removed; nothing needs it, so remove it yourself")


def _planned(options: dict[str, Any]) -> WantedPins:
    """What a plan changes. Exits with 1 where there is no way, with 3 where the search was given up."""
    from doctor.cli import fixing
    from doctor.cli.request.options import target_request
    from doctor.collect.declared.request import DeclaredRequest
    from doctor.pipeline.repair import pins_wanted_by

    copy = dict(options)
    answers = fixing.made(copy, target_request(copy), DeclaredRequest())
    found, plan = answers[0][0], answers[0][0].plan
    if plan.conflict is not None or plan.undecided is not None:
        fixing.show(answers, options)
        click.get_current_context().exit(fixing.status(found))
    if not plan.changes:
        fixing.show(answers, options)
        click.get_current_context().exit(fixing.status(found))
    if plan.remains:
        say(f"the plan leaves {', '.join(plan.remains)}; run `fix --plan` for details")
    return pins_wanted_by(plan)


def _recover(wanted: Wanted) -> None:
    from doctor.repair.apply import clear_unfinished
    from doctor.repair.switch.recover import recover

    prefix = wanted.prefix
    found = recover(prefix)
    unfinished = clear_unfinished(prefix)
    lines = [f"repair {tx} was interrupted; it is now complete" for tx in found.finished]
    lines += [f"repair {tx} was not applied; its leftovers were removed" for tx in found.discarded]
    lines += [f"the new environment `{path}` was not finished; it was removed" for path in unfinished]
    lines += [f"`{path}` had been changed after its repair, so it was kept" for path in found.kept]
    lines = lines or ["nothing to recover"]
    _warn_of_leftovers(prefix)
    lines += [f"the previous environment is kept as `{found.previous}`"] if found.previous else []
    answer(wanted.json, lines, {
        "action": "recover", "environment": prefix, "finished": list(found.finished),
        "discarded": list(found.discarded), "unfinished": list(unfinished), "previous": found.previous,
        "kept": list(found.kept),
    })  # fmt: skip


def _undo(wanted: Wanted) -> None:
    from doctor.cli.answer.repaired import print_undone
    from doctor.repair.switch.undo import undo

    prefix = wanted.prefix
    done = undo(prefix)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is done: only the answer is left
    _warn_of_leftovers(prefix)
    print_undone(prefix, done, wanted.json)


def _list(wanted: Wanted) -> None:
    from doctor.cli.answer.repaired import print_generations
    from doctor.repair.switch.generations import apart, generations

    prefix = wanted.prefix
    if not Path(prefix).is_dir():
        raise failure(f"`{prefix}` is not an environment: the folder does not exist")
    print_generations(prefix, generations(prefix), apart(prefix), wanted.json)


def _ask(wanted: Wanted, question: str) -> None:
    from doctor.base.text import clean

    if wanted.yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("cannot ask for confirmation without a terminal; use --yes")
    if not click.confirm(clean(question), err=True):
        raise failure("not confirmed; nothing was changed")


def _prefix(options: dict[str, Any]) -> str:
    from doctor.collect.python.target import TargetError, TargetRequest, find_target
    from doctor.repair.errors import Refused
    from doctor.repair.place import prefix_of

    if options["paths"] or options["root"]:
        raise click.UsageError("--path and --root cannot be changed; name an environment with --python")
    if options["python"]:
        try:
            return prefix_of(options["python"])
        except Refused as error:
            raise click.UsageError(str(error)) from None
    try:
        found = find_target(TargetRequest(launcher=options["launch"]))
    except TargetError as error:
        raise click.UsageError(str(error)) from None
    if found.prefix is None:
        raise click.UsageError("name the environment with --python")
    return found.prefix
