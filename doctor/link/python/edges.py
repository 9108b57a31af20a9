"""Who imports whom, as it is met; and for a few modules that matter, who comes to them, kept up as edges are added."""

from __future__ import annotations

from collections.abc import Iterable


class Edges(dict[str, dict[str, None]]):
    """Module to the modules that loading it asks for, in order; a module also imports its packages."""

    def __init__(self) -> None:
        super().__init__()
        self._back: dict[str, list[str]] = {}  # the same edges and those to the packages, the other way round
        self._known: set[str] = set()
        self.heard: list[tuple[str, str]] | None = None  # the edges as they are met, where somebody listens
        self._above: dict[str, set[str]] = {}  # goal to the modules that import it, itself or through others

    def note(self, importer: str, target: str) -> None:
        """Adds an edge."""
        if self.heard is not None:
            self.heard.append((importer, target))
        out = self.get(importer)
        if out is None:
            out = self[importer] = {}
            self._meet(importer)
        if target not in out:
            out[target] = None
            self._meet(target)
            self._join(importer, target)

    def comes_to(self, start: Iterable[str], goal: str) -> bool:
        """Whether one of the modules `start` is `goal` or imports it, itself or through others."""
        above = self._above.get(goal)
        if above is None:
            self._meet(goal)
            above = self._above[goal] = {goal}
            self._climb(above, goal)
        for name in start:
            self._meet(name)
            if name in above:
                return True
        return False

    def _meet(self, name: str) -> None:
        while name not in self._known:
            self._known.add(name)
            parent = name.rpartition(".")[0]
            if not parent:
                return
            self._join(name, parent)
            name = parent

    def _join(self, importer: str, target: str) -> None:
        back = self._back.get(target)
        if back is None:
            self._back[target] = [importer]
        else:
            back.append(importer)
        for above in self._above.values():
            if target in above and importer not in above:
                above.add(importer)
                self._climb(above, importer)

    def _climb(self, above: set[str], name: str) -> None:
        stack = [name]
        while stack:
            for one in self._back.get(stack.pop(), ()):
                if one not in above:
                    above.add(one)
                    stack.append(one)
