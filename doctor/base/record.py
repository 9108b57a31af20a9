"""Dataclasses that are made quickly.

The standard decorator writes and compiles up to eight functions for each class: a third of the time that a check of an
environment takes once its results are cached. Here only `__init__` is made for each class; comparing, hashing and
printing are shared and read the fields through `operator.attrgetter`. Type checkers see the standard decorator, and
hold that nobody assigns to a frozen one; no code is made to refuse that at run time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, slots=False):
        """As `dataclasses.dataclass`, with the options that are used here."""

        def made(cls):
            cls.__doc__ = cls.__doc__ or cls.__name__  # else the signature is worked out for it
            own = {name for name, value in cls.__dict__.items() if value is not None}
            out = dataclasses.dataclass(cls, repr=False, eq=False, slots=slots)
            _shared(out, own, eq, frozen)
            return out

        return made if cls is None else made(cls)


def _shared(cls: Any, own: set[str], eq: bool, frozen: bool) -> None:
    """Gives the class the methods that it has not written itself."""
    names = tuple(f.name for f in dataclasses.fields(cls))
    if "__repr__" not in own:
        cls.__repr__ = _repr
    if not eq:
        return
    values: Callable[[Any], Any] = attrgetter(*names) if names else lambda one: ()

    def __eq__(self: Any, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return bool(values(self) == values(other))

    def __hash__(self: Any) -> int:
        return hash(values(self))

    if "__eq__" not in own:
        cls.__eq__ = __eq__
    if "__hash__" not in own:
        cls.__hash__ = __hash__ if frozen else None


def _repr(self: Any) -> str:
    shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self))
    return f"{type(self).__qualname__}({shown})"
