"""`importlib.metadata.packages_distributions()`: looked up where it is asked, never listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doctor.link.python.values import UNKNOWN

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine


class Packages(dict):  # type: ignore[type-arg]
    """`packages_distributions()`: looked up, not listed."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.machine.reader.owners(name))

    def get(self, name: object, default: Any = None) -> Any:
        return list(self.machine.reader.owners(name)) if isinstance(name, str) and name in self else default

    def __getitem__(self, name: object) -> Any:
        return self.get(name, UNKNOWN)
