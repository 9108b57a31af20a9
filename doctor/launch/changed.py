"""What a program changes for the command behind it: variables, the folder, the user, the place where it runs."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.launch.innermost import Place, State, Unfolded
from doctor.launch.layer import ASSIGNMENT, Layer
from doctor.launch.runners import environment_of
from doctor.launch.variables import assignments

_LARGEST_FILE = 256 << 10
_REFERENCE = late_pattern(r"[a-z0-9][\w.\-/:@]{0,250}")


def assigned(here: Unfolded, words: list[str]) -> Unfolded:
    """With the variables of `A=b` words; a name alone keeps the caller's value."""
    environ, added, dropped = dict(here.shell.environ), dict(here.set), set(here.dropped)
    for word in words[:2000]:
        name, equals, value = word.partition("=")
        if equals and ASSIGNMENT.match(word):
            environ[name] = added[name] = value
            dropped.discard(name)
    return replace(here, shell=replace(here.shell, environ=environ), set=added, dropped=frozenset(dropped))


def entered(state: State, layer: Layer, shown: str) -> State:
    """The state behind the program: `words` are still its own. `shown` is its name."""
    here, row = state.here, layer.row
    before = here.shell.environ
    here = _files(_cleared(here, layer), layer.files)
    here = assigned(here, [w if "=" in w else f"{w}={before[w]}" for w in layer.set if "=" in w or w in before])
    folder = layer.folder or row.folder
    if folder and "$" not in folder:
        here = replace(here, shell=replace(here.shell, cwd=os.path.normpath(os.path.join(here.shell.cwd, folder))))
    told = [f"the variables from {_filled(row.adds, layer.roles)} are not read"] if row.adds else []
    told += [f"the variables in `{one_line(name, 80)}` are not read" for name in layer.unread]
    place = _place(here.place, layer)
    apart = state.apart or row.apart
    runner = None if row.apart or row.versioned or row.runner else here.runner
    if row.runner:
        runner = environment_of(here.shell, row.runner, shown, layer.roles)
        told += [] if runner else [f"the environment of `{shown} run` is unknown"]
    here = replace(here, place=place, open=(*here.open, *told), layers=(*here.layers, shown), runner=runner)
    return replace(state, here=here, apart=apart, depth=state.depth + 1)


def _cleared(here: Unfolded, layer: Layer) -> Unfolded:
    environ, added, dropped = dict(here.shell.environ), dict(here.set), set(here.dropped)
    if (layer.row.clears or layer.clear) and not layer.keep:
        kept = {*layer.row.retains.split(), *layer.keeps}
        environ = {k: v for k, v in environ.items() if k in kept}
        added = {k: v for k, v in added.items() if k in kept}
        dropped = {"*"}
    for name in layer.unset:
        environ.pop(name, None)
        added.pop(name, None)
        dropped.add(name)
    shell = replace(here.shell, environ=environ)
    return replace(here, shell=shell, set=added, dropped=frozenset(dropped))


def _files(here: Unfolded, names: list[str]) -> Unfolded:
    """With the variables of `--env-file`."""
    for name in names[:20]:
        path = here.shell.files.inside(os.path.join(here.shell.cwd, name))
        text = here.shell.files.text(path, _LARGEST_FILE)
        if text is None:
            here = replace(here, open=(*here.open, f"the variables in `{one_line(name, 100)}` cannot be read"))
        else:
            here = assigned(here, [f"{k}={v}" for k, v in assignments(text).items()])
    return here


def _place(place: Place, layer: Layer) -> Place:
    """Where the command runs: another machine or environment, each named by the words that choose it."""
    row, roles = layer.row, dict(layer.roles)
    user, at, host = roles.get("host", "").rpartition("@")
    if at:
        roles["host"] = host
    image = _reference(roles.get("image"))
    return Place(
        machine=_filled(row.machine, roles) or place.machine,
        environment=_filled(row.environment, roles) or place.environment,
        image=image or place.image,
        user=roles.get("user") or user or place.user,
    )


def _filled(text: str | None, roles: dict[str, str]) -> str | None:
    """The first of the texts whose role is given, filled in; None where there is none."""
    for one in (text or "").split("|"):
        found = re.search(r"\{(\w+)\}", one)
        if found is None:
            return one or None
        if value := roles.get(found[1]):
            return one.replace(found[0], one_line(value, 100))
    return None


def _reference(word: str | None) -> str | None:
    """A container image's reference: `docker://REF`, or a name that is no file."""
    if not word:
        return None
    bare = word.removeprefix("docker://").replace("#", "/")
    files = word.endswith((".sif", ".img", ".sqsh", ".simg")) or word.startswith((".", "/")) or "://" in bare
    return bare if not files and _REFERENCE.fullmatch(bare) else None
