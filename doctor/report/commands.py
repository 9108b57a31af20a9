"""Commands to paste, made of the actions of a remediation; only from names and versions that are well-formed."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.base.quoting import quoted
from doctor.findings import Action, Remediation

_NAME = late_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_SPECIFIER = late_pattern(r"(?:(?:[<>=!~]=?=?)\s*[A-Za-z0-9.*+!-]{1,40}\s*,?\s*){0,12}")
_VARIABLE = late_pattern(r"[A-Za-z_][A-Za-z0-9_]{0,80}")


def commands(remediation: Remediation) -> list[str]:
    """Shell lines for those actions that a shell can do; text from outside that is not well-formed makes none."""
    return [line for action in remediation.actions if (line := _command(action)) is not None]


def together(remediation: Remediation) -> list[str]:
    """The same with one line for all that is installed, which an installer then resolves together."""
    plain = [a for a in remediation.actions if a.kind == "install" and a.direction != "reinstall"]
    lines = [line for a in plain if (line := _command(a)) is not None]
    words = [line.removeprefix("pip install ") for line in lines]
    rest = [line for a in remediation.actions if a not in plain and (line := _command(a)) is not None]
    return [*rest, *([f"pip install {' '.join(words)}"] if words else [])]


def _command(action: Action) -> str | None:
    if action.kind == "install" and action.package and _NAME.fullmatch(action.package):
        specifier = action.specifier or ""
        if not _SPECIFIER.fullmatch(specifier):
            return None
        again = " --force-reinstall --no-deps" if action.direction == "reinstall" else ""
        return f"pip install{again} {quoted(action.package + specifier.replace(' ', ''))}"
    if action.kind == "uninstall" and action.package and _NAME.fullmatch(action.package):
        return f"pip uninstall {action.package}"
    if action.kind == "set_env" and action.name and _VARIABLE.fullmatch(action.name):
        if action.value is None:
            return f"unset {action.name}"
        return f"export {action.name}={quoted(action.value)}"
    return None
