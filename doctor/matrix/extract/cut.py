"""Source text without the function bodies that say nothing of what a module binds or imports.

Most of a release's text is the bodies of functions without an import. Leaving them out makes parsing several times
faster. A function is cut only where its header is plain and its strings are closed; all others stay whole.
"""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.base.syntax import end_of_block

_STRING = r"\"[^\"\\\n]*\"|'[^'\\\n]*'"
_GROUP = rf"\((?:[^()\"'#]|{_STRING}){{0,500}}\)"
_PARAMETERS = rf"\((?:[^()\"'#]|{_STRING}|{_GROUP}|#[^\n]*\n){{0,4000}}\)"
_RETURNS = rf"(?:[^#\n\"':]|{_STRING}){{0,400}}"
_DEF = late_pattern(rf"\n([ \t]*)(?:async[ \t]+)?def[ \t]+\w+[ \t]*{_PARAMETERS}{_RETURNS}:[ \t]*(?=\n)")
_IMPORT = late_pattern(r"[\n;:][ \t]*(?:import|from)\b")
_LEAST = 200  # characters of a body; a shorter one is parsed faster than it is cut


def without_bodies(text: str) -> str:
    """`text` in which functions that import nothing have `...` for a body; line numbers are not kept."""
    out: list[str] = []
    at = done = 0
    while (found := _DEF.search(text, at)) is not None:
        start = found.end()
        end = end_of_block(text, start, len(found[1]))
        body = text[start:end]
        if len(body) < _LEAST or ("import" in body and _IMPORT.search(body)) or not _closed(body):
            at = start
            continue
        out += [text[done:start], "\n", found[1], " ..."]
        at = done = end
    return "".join([*out, text[done:]])


def _closed(body: str) -> bool:
    """Whether no string of several lines reaches beyond the text, which may end inside of one."""
    return not (body.count('"""') % 2 or body.count("'''") % 2 or body.endswith("\\"))
