"""Dataclasses that are made quickly.

The standard decorator writes and compiles up to eight functions for each class: a third of the time that a check of an
environment takes once its results are cached. Here only `__init__` is made for each class, when its first object is,
since most classes have none in one run; comparing, hashing and printing are shared and read the fields through
`operator.attrgetter`. Type checkers see the standard decorator, and hold that nobody assigns to a frozen one; no code
is made to refuse that at run time.
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
            out = dataclasses.dataclass(cls, init=False, repr=False, eq=False, slots=slots)
            if "__init__" not in own:
                out.__init__ = _on_first_call(out)
            _shared(out, own, eq, frozen)
            return out

        return made if cls is None else made(cls)


def _on_first_call(cls: Any) -> Callable[..., None]:
    """An `__init__` that puts the real one into its place."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        cls.__init__ = _init_of(cls)
        cls.__init__(self, *args, **kwargs)

    return __init__


def _init_of(cls: Any) -> Any:
    """The `__init__` that the standard decorator would write. A field may be called `self`."""
    known: dict[str, Any] = {"MISSING": dataclasses.MISSING}
    words, lines = list[str](), list[str]()
    for field in dataclasses.fields(cls):
        name, default, factory = field.name, f"default_{field.name}", f"factory_{field.name}"
        word, value = name, name
        if field.default is not dataclasses.MISSING:
            known[default] = field.default
            word = f"{name}={default}"
        elif field.default_factory is not dataclasses.MISSING:
            known[factory] = field.default_factory
            word, value = f"{name}=MISSING", f"{factory}() if {name} is MISSING else {name}"
        if field.init:
            words.append(word)
            lines.append(f"_self.{name} = {value}")
        elif factory in known:
            lines.append(f"_self.{name} = {factory}()")
    if hasattr(cls, "__post_init__"):
        lines.append("_self.__post_init__()")
    exec(f"def __init__({', '.join(['_self', *words])}):\n " + "\n ".join(lines or ["pass"]), known)
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"  # what a wrong call is answered with
    return made


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
