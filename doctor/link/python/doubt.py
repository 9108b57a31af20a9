"""What is left certain of a function's own values behind a branch that may not have run."""

from __future__ import annotations

from doctor.link.python.frame import Frame
from doctor.link.python.plain import is_plain
from doctor.link.python.values import UNKNOWN, Value


def sizes(frame: Frame) -> dict[str, tuple[Value, int]]:
    """The local names of a function with how much their lists, sets and dictionaries hold."""
    sized = (list, set, dict)
    names = frame.names.items() if frame.func is not None else ()
    return {name: (value, len(value) if isinstance(value, sized) else 0) for name, value in names}


def forget(frame: Frame, before: dict[str, tuple[Value, int]]) -> None:
    """What a branch that may not have run did to plain local values is not known: `found = True`, `all.append(x)`."""
    for name, (value, size) in sizes(frame).items():
        old, length = before.get(name, (UNKNOWN, 0))
        if is_plain(value) and (value is not old or size != length):
            frame.names[name] = UNKNOWN
