"""Makefiles: the recipe of every target as shell text, with the variables that make puts in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from doctor.base.late import late_pattern
from doctor.collect.declared.service import Service
from doctor.deployment.host.source import Source

MOST_LINES, MOST, LONGEST, DEEPEST = 5000, 200, 1 << 16, 10
_ASSIGNED = late_pattern(r"(?:export\s+|override\s+)*([A-Za-z_][\w.-]*)\s*(::?=|\?=|\+=|!=|=)\s*(.*)$")
_RULE = late_pattern(r"([^\s:#=][^:=#]*?)\s*::?(?!=)\s*([^;]*)(?:;(.*))?$")
_REFERENCE = late_pattern(r"\$(?:\$|\(([^()]*)\)|\{([^{}]*)\}|([@<^*%?]))")
_CONDITIONAL = late_pattern(r"\s*(?:ifn?def|ifn?eq|else|endif|include|-include|sinclude|vpath|\.PHONY|define|endef)\b")


def is_makefile(source: Source) -> bool:
    """By its name, or a rule with a recipe."""
    name = source.name.lower()
    if name in ("makefile", "gnumakefile") or name.endswith(".mk") or name.startswith("makefile."):
        return True
    return bool(re.search(r"^[\w.-]+:(?!=)[^\n]*\n\t\S", source.text, re.MULTILINE))


def services(source: Source) -> list[Service]:
    """Every target that has a recipe; each of its lines is a shell of its own."""
    variables, exported, rules = _parsed(source)
    out = []
    for target, recipe in list(rules.items())[:MOST]:
        known = {**variables, "@": target, "MAKE": "make"}
        lines = [_filled(re.sub(r"^\s*[-@+]+", "", line), known) for line in recipe]
        text = "\n".join(f"(\n{line}\n)" for line in lines)
        environ = {n: _filled(variables.get(n, ""), variables) for n in exported}
        out.append(source.program("make target", ("sh", "-c", text), target, variables=environ, folder=source.folder))
    return out


def _parsed(source: Source) -> tuple[dict[str, str], set[str], dict[str, list[str]]]:
    """Variables, the names that are exported, and the recipes by target."""
    variables: dict[str, str] = {"CURDIR": source.folder, "SHELL": "/bin/sh"}
    exported: set[str] = set()
    rules: dict[str, list[str]] = {}
    here: list[str] = []
    for line in _logical(source.text):
        if line.startswith("\t"):
            here.append(line[1:])
        elif found := _ASSIGNED.match(line.strip()):
            _assign(variables, source.environ, found)
            exported |= {found[1]} if line.lstrip().startswith("export") else set()
        elif line.startswith("export "):
            exported |= set(line.split()[1:])
        elif not _CONDITIONAL.match(line) and (rule := _RULE.match(_filled(line, variables))):
            here = []
            for target in rule[1].split()[:20]:
                rules.setdefault(target, here)
            here += [rule[3].strip()] if rule[3] else []
    return variables, exported, {t: r for t, r in rules.items() if r}


def _logical(text: str) -> Iterator[str]:
    """Lines; a backslash joins the next one, in a recipe with the backslash kept for the shell."""
    whole = ""
    for line in text.splitlines()[:MOST_LINES]:
        recipe = (whole or line).startswith("\t")
        if not recipe:
            line = re.sub(r"(?:^|\s)#.*$", "", line)
        if line.endswith("\\"):
            whole += f"{line.rstrip()}\n".removeprefix("\t" if whole else "") if recipe else f"{line[:-1].rstrip()} "
            continue
        yield (whole + (line.removeprefix("\t") if whole else line))[:LONGEST]
        whole = ""
    if whole:
        yield whole[:LONGEST]


def _assign(variables: dict[str, str], environ: Mapping[str, str], found: re.Match[str]) -> None:
    name, how, value = found[1], found[2], found[3].strip()
    if how == "!=":
        variables[name] = f"$$({value})"
    elif how == "+=":
        variables[name] = f"{variables.get(name, '')} {value}".strip()
    elif how == "?=":
        variables.setdefault(name, environ.get(name, value))
    else:
        variables[name] = _filled(value, variables) if ":" in how else value


def _filled(text: str, known: Mapping[str, str], depth: int = 0) -> str:
    """`$(NAME)` replaced, `$$` a dollar; a function of make stays unknown to the shell, too."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        name = next((g for g in found.groups() if g is not None), "")
        if name.startswith("shell "):
            return f"$({name[6:]})"
        if " " in name or depth > DEEPEST:
            return "${MAKE_FUNCTION}"
        return _filled(known.get(name, ""), known, depth + 1)

    return _REFERENCE.sub(value, text[:LONGEST])[:LONGEST]
