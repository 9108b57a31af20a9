"""Regular expressions of the patient's code, run only where their cost is bounded by their form.

Module-level code decides by them (`re.match(r"^[\\w_\\-\\d]+$", requirement)`). A pattern in which a repetition holds
another one could take exponential time, so such a pattern is not run and its result is UNKNOWN.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from doctor.link.python.values import UNKNOWN, NativeVal, Value

if sys.version_info >= (3, 11):
    from re import _parser as sre_parse
else:
    import sre_parse

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

PATTERN_LIMIT = 300
TEXT_LIMIT = 2_000
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


def compile_bounded(pattern: str, flags: int = 0) -> re.Pattern[str] | None:
    """The compiled pattern, or None where it is too long, invalid or could run for long."""
    if len(pattern) > PATTERN_LIMIT:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if _nesting(sre_parse.parse(pattern, flags)) > 1:
                return None
            return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError, ValueError):
        return None


def _nesting(tree: Any) -> int:
    deepest = 0
    for op, argument in tree:
        inner = max((_nesting(part) for part in _parts(argument)), default=0)
        deepest = max(deepest, inner + (str(op) in _REPEATS))
    return deepest


def _parts(argument: Any) -> list[Any]:
    if isinstance(argument, sre_parse.SubPattern):
        return [argument]
    if isinstance(argument, (tuple, list)):
        return [part for element in argument for part in _parts(element)]
    return []


def _function(name: str) -> Callable[[Machine, list[Value], dict[str, Value]], Value]:
    def call(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
        needed = 3 if name == "sub" else 2
        if kwargs or len(args) != needed or not all(isinstance(a, str) for a in args) or len(args[-1]) > TEXT_LIMIT:
            return UNKNOWN
        pattern = compile_bounded(args[0])
        if pattern is None:
            return UNKNOWN
        found = getattr(pattern, name)(*args[1:])
        return MatchVal((found[0], *found.groups())) if isinstance(found, re.Match) else found

    return call


class MatchVal(tuple):  # type: ignore[type-arg]
    """A match as what the target's code uses of it: its groups, by index, and `group()` and `groups()`."""

    def method(self, name: str) -> Value:
        """`match.group` and `match.groups`."""
        if name == "groups":
            return NativeVal(name, lambda machine, args, kwargs: tuple(self[1:]))
        return NativeVal(name, lambda machine, args, kwargs: self._group(args)) if name == "group" else UNKNOWN

    def _group(self, args: list[Value]) -> Value:
        at = args[0] if args else 0
        return self[at] if len(args) < 2 and type(at) is int and 0 <= at < len(self) else UNKNOWN


def _escape(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
    return re.escape(args[0]) if len(args) == 1 and isinstance(args[0], str) else UNKNOWN


def _compile(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
    return UNKNOWN if not args or not isinstance(args[0], str) else CompiledVal(args[0])


class CompiledVal:
    """`re.compile(...)`: its methods run as the module's functions do."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def method(self, name: str) -> Value:
        """`compiled.match` and its like."""
        if name not in ("match", "search", "fullmatch", "findall"):
            return UNKNOWN
        call = _function(name)
        return NativeVal(name, lambda machine, args, kwargs: call(machine, [self.pattern, *args], kwargs))


REGEX_FUNCTIONS: dict[str, Callable[[Machine, list[Value], dict[str, Value]], Value]] = {
    "match": _function("match"), "search": _function("search"), "fullmatch": _function("fullmatch"),
    "findall": _function("findall"), "split": _function("split"), "sub": _function("sub"), "escape": _escape,
    "compile": _compile,
}  # fmt: skip
