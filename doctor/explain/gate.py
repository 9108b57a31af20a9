"""The last look at every way out: no empty names, no placeholders, no package that nobody is known to publish."""

from __future__ import annotations

import dataclasses
import sys
from functools import cache

from doctor.base.late import late_pattern
from doctor.explain.refine.names import table
from doctor.findings import Action, Finding, Remediation
from doctor.matrix import rows
from doctor.matrix.engines import engine
from doctor.matrix.module_names import provider_of

_NAME = late_pattern(r"[A-Za-z0-9](?:[\w.-]{0,98}[A-Za-z0-9])?(?:\[[\w,.\- ]{1,60}\])?")
_PLACEHOLDERS = ("package", "the", "same", "none", "null", "program", "library", "module", "name", "packages",
                 "it", "them", "latest", "version", "this", "that", "a", "an")  # fmt: skip
_HOLE = late_pattern(
    r"\{[a-z_]{1,40}\}|`\s?`|''|\bthe (?:package|program|library) (?:to|==)\s*$|\ba the\b|"
    r"\b(?:upgrade|downgrade|install|reinstall) (?:to\b|$)|pip install(?: -U)?$"
)
_JOINED = late_pattern(r"^(?:or|and):? (?=\S)")
_QUOTED = late_pattern(r"`(the (?:package|program|library))`")


def sound(finding: Finding) -> Finding:
    """The finding with those ways out alone that hold, and no placeholder set as if it were a name."""
    kept = tuple(mended for r in finding.remediations if (mended := _mended(r)) is not None)
    if kept:
        kept = (_leading(kept[0]), *kept[1:])
    return dataclasses.replace(finding, message=_QUOTED.sub(r"\1", finding.message), remediations=kept)


def _leading(way: Remediation) -> Remediation:
    """The first way out, without the word that joined it to one before it, which was dropped."""
    title = _JOINED.sub("", way.title)
    if title == way.title:
        return way
    actions = tuple(dataclasses.replace(a, text=_JOINED.sub("", a.text)) if a.text else a for a in way.actions)
    return dataclasses.replace(way, title=title, actions=actions)


def holds(way: Remediation) -> bool:
    """Whether a way out has no hole in its words, and every package in it is one that someone is known to publish."""
    return bool(way.title.strip()) and not _HOLE.search(way.title) and all(map(_action_holds, way.actions))


def _mended(way: Remediation) -> Remediation | None:
    """The way out with its words in place of an action that names nothing; None where its words have a hole."""
    if holds(way):
        return way
    if not way.title.strip() or _HOLE.search(way.title) or _guesses(way):
        return None
    spoken = Action("manual", text=way.title)
    actions = tuple(a if _action_holds(a) else spoken for a in way.actions)
    return Remediation(way.title, actions, "manual" if spoken in actions else way.applicability)


def _guesses(way: Remediation) -> bool:
    """Whether the words repeat a name that is not known to be published."""
    names = [a.package for a in way.actions if a.package and not _action_holds(a)]
    return any(n in way.title for n in names if n.lower() not in _PLACEHOLDERS and " " not in n)


def _action_holds(action: Action) -> bool:
    if action.kind in ("install", "uninstall"):
        return is_published(action.package or "")
    if action.kind == "set_env":
        return bool(action.name)
    if action.kind == "manual":
        return bool((action.text or "").strip()) and not _HOLE.search(action.text or "")
    return True


def is_published(package: str) -> bool:
    """Whether a name is well formed and the matrix, or a table of ours, knows a distribution by it."""
    if not _NAME.fullmatch(package) or package.lower() in _PLACEHOLDERS:
        return False
    bare = package.partition("[")[0]
    top = bare.replace("-", "_")
    if top in sys.stdlib_module_names:
        return False
    known = (bare.lower() in _named(), engine(bare), rows.releases(bare.lower().replace("_", "-")), provider_of(top))
    return any(known)


@cache
def _named() -> frozenset[str]:
    """The distributions that our tables name, in small letters."""
    data = table()
    brought = {str(v) for v in data["distributions"].values()}
    brought |= {f"{v}{tail}" for v in data["cuda_libraries"].values() for tail in ("", "-cu11", "-cu12", "-cu13")}
    changes = [row for rows_ in data["changes"].values() for row in rows_.values()]
    brought |= {
        str(r["package"]) for r in (*data["modules"].values(), *changes) if isinstance(r, dict) and r.get("package")
    }
    return frozenset(v.lower() for v in brought)
