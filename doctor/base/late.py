"""Regular expressions that are compiled when they are first used: a run uses few of those that its modules name."""

from __future__ import annotations

import re
from typing import Any, AnyStr


class _Late:
    """Stands for a pattern; what it is asked for first is then its own, as fast as the pattern's."""

    def __init__(self, source: Any, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(self._source, self._flags)
        value = getattr(compiled, name)
        setattr(self, name, value)
        return value


def late_pattern(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What `re.compile` gives, made when it is needed; a mistake in `source` shows then."""
    return _Late(source, int(flags))  # type: ignore[return-value]
