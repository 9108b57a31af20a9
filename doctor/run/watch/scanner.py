"""When to look for new processes: as often as it is cheap, and at once while the tree is changing."""

from __future__ import annotations

import time

from doctor.run.watch.processes import ProcessTree

EAGER, LIVELY, IDLE = 0.01, 0.1, 0.15
FRESH = 3.0  # seconds after a birth or an end in which the next one is likely: a worker may live for 20 ms only
BLIND = 5.0  # some containers show a /proc/loadavg that never changes
SCAN_SHARE = {True: 50, False: 2000}  # a look may take 2 % of a core while things change, 0.05 % when they do not


class Scanner:
    """Looks at the tree and remembers what a look costs; `changed_at` is when a process last came or went."""

    def __init__(self, tree: ProcessTree) -> None:
        self.tree = tree
        self.changed_at = 0.0
        self._costs = {True: 0.0, False: 0.0}
        self._scanned = self._searched = self._refreshed = 0.0

    def pace(self) -> float:
        """Seconds until the next look is due."""
        if self._fresh():
            return EAGER
        return LIVELY if time.monotonic() - self.changed_at < 60 else IDLE

    def look(self) -> None:
        """Scans where that is due and affordable, and reads the titles again once a second."""
        now = time.monotonic()
        share = SCAN_SHARE[now - self.changed_at < 5]
        if now - self._scanned < max(EAGER if self._fresh() else LIVELY, self._costs[False] * share):
            return
        self._scanned = now
        if self.tree.changed() or now - self._searched > BLIND:
            self._scan(now - self._searched > max(LIVELY, self._costs[True] * share), now)
        else:
            self.tree.check_unwatched()
        if now - self._refreshed > 1:
            self._refreshed = now
            self.tree.refresh()

    def _fresh(self) -> bool:
        return time.monotonic() - self.changed_at < FRESH

    def _scan(self, thorough: bool, now: float) -> None:
        self._searched = now if thorough else self._searched
        cost = time.thread_time()
        self.tree.scan(every_thread=thorough)
        self._costs[thorough] = time.thread_time() - cost
