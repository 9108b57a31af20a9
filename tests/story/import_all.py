"""Imports modules for real, one after the other in one process, and prints how each ended as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import sys

sys.path[:0] = json.loads(sys.argv[1])
answers: dict[str, str | None] = {}
for name in sys.argv[2:]:
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            __import__(name)
        answers[name] = None
    except BaseException as error:
        answers[name] = f"{type(error).__name__}: {error}"
print(json.dumps(answers))
