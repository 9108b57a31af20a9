"""Follows a decision out of an engine's wheel (`doctor.matrix.extract.decision`) over the settings of a model.

Nothing is executed: the decision is data, and only the forms below mean anything. A setting that the model does not
give is unknown, since the engine's libraries have defaults of their own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Final

from doctor.base.record import dataclass


class _Unknown:
    """A value that cannot be told."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
Names = dict[str, Any]
_DEEPEST = 100
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "//": operator.floordiv, "*": operator.mul, "+": operator.add, "-": operator.sub, "%": operator.mod,
    "in": lambda a, b: a in b, "not in": lambda a, b: a not in b,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: `returned` its value, or `refused` with the condition that does not hold, or the missing key.

    `sure` is False where it hangs on something that cannot be told; then neither of the others counts. `names` are
    those that were set on the way.
    """

    returned: Any = None
    refused: str | None = None
    sure: bool = True
    names: Names = field(default_factory=dict)


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class _Refused(Exception):
    """An assertion that does not hold, a missing key, or an error that is raised."""


class _Unsure(Exception):
    """A branch hangs on an unknown value."""


def follow(decision: list[Any], names: Mapping[str, Any]) -> Outcome:
    """The outcome of a decision with these names; dictionaries are read as mappings and as objects alike.

    A callable in `names` stands for the function of that name, one named `.parse` for the method `parse` of anything.
    """
    follower = _Follower(dict(names))
    try:
        follower.run(decision, 0)
    except _Return as end:
        return Outcome(end.value, names=follower.names) if end.value is not UNKNOWN else Outcome(sure=False)
    except _Refused as end:
        return Outcome(refused=str(end), names=follower.names)
    except (_Unsure, TypeError, ValueError, ZeroDivisionError, AttributeError, LookupError, RecursionError):
        return Outcome(sure=False)
    return Outcome(names=follower.names)


def holds(test: list[Any], names: Mapping[str, Any]) -> bool | None:
    """Whether a single test holds; None where it hangs on something that cannot be told."""
    outcome = follow([["return", test]], names)
    return bool(outcome.returned) if outcome.sure and outcome.refused is None else None


class _Follower:
    def __init__(self, names: Names) -> None:
        self.names = names

    def run(self, body: list[Any], depth: int) -> None:
        if depth > _DEEPEST:
            raise _Unsure
        for kind, *parts in body:
            if kind == "if":
                self._branch(parts[0], parts[1], parts[2], depth + 1)
            elif kind == "set":
                self.names[parts[0]] = self.value(parts[1])
            elif kind == "def":
                self.names[parts[0]] = (parts[1], parts[2], depth)
            elif kind == "return":
                raise _Return(self.value(parts[0]))
            elif kind == "assert":
                if not self.truth(parts[0]):
                    raise _Refused(parts[1])
            elif kind == "raise":
                raise _Refused(parts[0])
            else:
                raise _Unsure

    def _branch(self, test: list[Any], then: list[Any], other: list[Any], depth: int) -> None:
        """An unknown test is no matter where the branches only set names: those are unknown from then on."""
        found = self.value(test)
        if found is not UNKNOWN:
            self.run(then if found else other, depth)
        elif all(kind == "set" for kind, *_ in (*then, *other)):
            self.names |= {name: UNKNOWN for _, name, _ in (*then, *other)}
        else:
            raise _Unsure

    def truth(self, expression: list[Any]) -> bool:
        found = self.value(expression)
        if found is UNKNOWN:
            raise _Unsure
        return bool(found)

    def value(self, expression: list[Any]) -> Any:
        kind, *parts = expression
        if kind == "c":
            return parts[0]
        if kind == "name":
            return self.names.get(parts[0], UNKNOWN)
        if kind in ("and", "or"):
            return self._either(kind == "or", parts)
        if kind == "not":
            found = self.value(parts[0])
            return UNKNOWN if found is UNKNOWN else not found
        if kind == "?:":
            return self.value(parts[1] if self.truth(parts[0]) else parts[2])
        if kind == "list":
            return _known([self.value(p) for p in parts])
        if kind == "dict":
            return {self.value(k): self.value(v) for k, v in parts}
        return self._reach(kind, parts)

    def _either(self, wanted: bool, parts: list[Any]) -> Any:
        """`and` and `or`: an unknown part does not matter where another one decides."""
        found: Any = None
        unknown = False
        for part in parts:
            found = self.value(part)
            if found is UNKNOWN:
                unknown = True
            elif bool(found) is wanted:
                return found if not unknown else wanted
        return UNKNOWN if unknown else found

    def _reach(self, kind: str, parts: list[Any]) -> Any:
        if kind == "attr":
            dotted = f"{parts[0][1]}.{parts[1]}" if parts[0][0] == "name" else ""
            return self.names[dotted] if dotted in self.names else _member(self.value(parts[0]), parts[1])
        if kind == "item":
            return _item(self.value(parts[0]), self.value(parts[1]))
        if kind == "call":
            return self._called(parts[0], parts[1:])
        if kind == "method":
            if callable(known := self.names.get(f".{parts[0]}")):
                args = [self.value(p) for p in parts[2:]]
                return UNKNOWN if any(a is UNKNOWN for a in args) else known(*args)
            return _method(parts[0], self.value(parts[1]), [self.value(p) for p in parts[2:]])
        if kind in _OPERATORS:
            left, right = self.value(parts[0]), self.value(parts[1])
            return UNKNOWN if left is UNKNOWN or right is UNKNOWN else _OPERATORS[kind](left, right)
        return UNKNOWN

    def _called(self, name: str, parts: list[Any]) -> Any:
        args = [self.value(p) for p in parts]
        known = self.names.get(name)
        if isinstance(known, tuple):
            parameters, body, depth = known
            inner = _Follower({**self.names, **dict(zip(parameters, args, strict=False))})
            try:
                inner.run(body, depth + 10)
            except _Return as end:
                return end.value
            return None
        if callable(known):
            return known(*args)
        if any(a is UNKNOWN for a in args):
            return UNKNOWN
        if name == "getattr" and len(args) >= 2:
            found = _member(args[0], args[1])
            return args[2] if found is UNKNOWN and len(args) == 3 else found
        if name == "hasattr" and len(args) == 2:
            return _member(args[0], args[1]) is not UNKNOWN
        simple = {"int": int, "str": str, "len": len, "bool": bool, "frozenset": list, "set": list, "sorted": sorted}
        return simple[name](*args) if name in simple and len(args) == 1 else UNKNOWN  # type: ignore[operator]


def _known(values: list[Any]) -> Any:
    return UNKNOWN if any(v is UNKNOWN for v in values) else values


def _member(owner: Any, name: str) -> Any:
    """An attribute of a configuration; one that is absent or null is filled by a default that we do not know."""
    found = owner.get(name) if isinstance(owner, dict) else None
    return UNKNOWN if found is None else found


def _item(owner: Any, key: Any) -> Any:
    if owner is UNKNOWN or key is UNKNOWN:
        return UNKNOWN
    if isinstance(owner, dict) and key not in owner:
        raise _Refused(f"KeyError: {key!r}")
    return owner[key]


def _method(name: str, owner: Any, args: list[Any]) -> Any:
    if owner is UNKNOWN or any(a is UNKNOWN for a in args):
        return UNKNOWN
    if name == "get" and isinstance(owner, dict) and args:
        return owner.get(*args[:2])
    if name in ("keys", "to_dict") and isinstance(owner, dict):
        return owner
    return UNKNOWN
