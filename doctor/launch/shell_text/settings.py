"""Builtins that change where later commands run: variables, arguments, the folder, an activated environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.launch.shell_text import marks
from doctor.launch.shell_text.expand import expander
from doctor.launch.shell_text.state import FAILURE, SUCCESS, Outcome, State, Value, of_files
from doctor.launch.shell_text.tree import Assignment, Simple, Word

_NAME = late_pattern(r"[A-Za-z_]\w*")


def assigned(state: State, node: Assignment, *, local: bool = False) -> None:
    """`NAME=value` and its kind; the value is expanded before a local variable hides another one."""
    before = state.get(node.name)
    if isinstance(node.value, tuple):
        value: Value = _array(state, node, before)
    else:
        text = expander(state).text(node.value)
        value = _text(state, node, text, before)
    if local:
        state.local(node.name)
    state.put(node.name, value)


def _array(state: State, node: Assignment, before: Value | None) -> dict[str, str]:
    kept = node.append and before is not None
    out = dict(before) if kept and isinstance(before, dict) else {}
    if kept and isinstance(before, str) and not marks.only(before):
        out = {"0": before}
    reading = expander(state)
    place = max((int(k) + 1 for k in out if k.isdigit()), default=0)
    assert isinstance(node.value, tuple)
    for index, word in node.value:
        if index is not None:
            key = reading.text(index)
            out[key] = reading.text(word)
            place = int(key) + 1 if key.isdigit() and len(key) < 7 else place
            continue
        for text in reading.fields(word):
            out[str(place)] = text
            place += 1
        if not state.world.spend(len(out) >> 6):
            break
    return out


def _text(state: State, node: Assignment, text: str, before: Value | None) -> Value:
    if node.index is not None:
        found = dict(before) if isinstance(before, dict) else {}
        key = expander(state).text(node.index)
        found[key] = found.get(key, "") + text if node.append else text
        return found
    if isinstance(before, dict):
        return {**before, "0": before.get("0", "") + text if node.append else text}
    if node.append and before is not None:
        mine = marks.only(before) and node.name in state.world.assigned and node.name not in state.outer
        return text if mine else before + text
    return text


def declare(state: State, words: list[Word | Assignment], simple: Simple) -> None:
    """`export`, `declare`, `local`, `typeset`, `readonly`, with their options."""
    first = words[0]
    assert isinstance(first, Word)
    name, flags = first.source, ""
    local = name == "local" or (name in ("declare", "typeset") and bool(state.frames))
    state.status = SUCCESS
    for word in words[1:]:
        if isinstance(word, Assignment):
            assigned(state, word, local=local and "g" not in flags)
            _marked(state, word.name, name, flags)
            state.status = SUCCESS
            continue
        for text in expander(state).fields(word):
            if text[:1] in "-+" and len(text) > 1:
                flags += text if text[0] == "-" else ""
                continue
            key, equals, value = text.partition("=")
            if not _NAME.fullmatch(key):
                state.tell(f"what `{one_line(simple.source, 80)}` sets is not read")
                continue
            if local and "g" not in flags:
                state.local(key)
            if equals:
                state.put(key, value)
            elif "A" in flags or ("a" in flags and key not in state.values):
                state.put(key, {})
            _marked(state, key, name, flags)


def _marked(state: State, key: str, name: str, flags: str) -> None:
    if name == "export" and "n" in flags:
        state.exported -= {key}
    elif (name == "export" or "x" in flags) and "f" not in flags:
        state.exported |= {key}
        state.dropped -= {key}


def unset(state: State, words: list[str]) -> None:
    """`unset NAME`."""
    if "-f" in words:
        for name in words[1:]:
            state.functions.pop(name, None)
        return
    for name in words[1:]:
        if _NAME.fullmatch(name):
            state.drop(name)


def options(state: State, words: list[str]) -> None:
    """`set -a`, `set -euo pipefail`, `set -- a b`."""
    rest = words[1:]
    while rest and rest[0][:1] in "-+" and len(rest[0]) > 1:
        word = rest.pop(0)
        if word == "--":
            state.arguments = tuple(rest)
            return
        sets = word[0] == "-"
        if word[-1] == "o" and rest:
            named = rest.pop(0)
            word = "-a" if named == "allexport" else word
        if "a" in word[1:]:
            state.options = state.options | {"a"} if sets else state.options - {"a"}
    if rest:
        state.arguments = tuple(rest)


def shift(state: State, words: list[str]) -> None:
    """`shift N`."""
    count = int(words[1]) if len(words) > 1 and re.fullmatch(r"\d{1,6}", words[1]) else 1
    state.status = SUCCESS if count <= len(state.arguments) else FAILURE
    if count <= len(state.arguments):
        state.arguments = state.arguments[count:]


def enter(state: State, words: list[str]) -> None:
    """`cd FOLDER`, `pushd FOLDER`, `popd`."""
    before = state.cwd
    rest = [w for w in words[1:] if w not in ("-P", "-L", "--")]
    stack = state.values.get("DIRSTACK")
    stack = dict(stack) if isinstance(stack, dict) else {}
    if words[0] == "popd":
        folder: Value | None = stack.pop(str(len(stack)), state.cwd)
    else:
        folder = state.get("HOME") if not rest else state.values.get("OLDPWD", before) if rest[0] == "-" else rest[0]
        if words[0] == "pushd":
            stack[str(len(stack) + 1)] = before
    state.values["DIRSTACK"] = stack
    if not isinstance(folder, str) or not marks.known(folder):
        state.tell(f"the folder `{one_line(marks.plain(str(folder)), 80)}` is known only when the script runs")
        return
    state.cwd = state.path(folder)
    state.values["OLDPWD"] = before
    for name in {"PWD", "OLDPWD"} & state.exported:
        state.values[name] = state.cwd if name == "PWD" else before


def read(state: State, words: list[str]) -> None:
    """`read NAMES`: from text that is known, else anything."""
    rest, array, raw = words[1:], False, False
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        word = rest.pop(0)
        array, raw = array or "a" in word[1:], raw or "r" in word
        if word[-1] in "pdtnNui" and rest:
            rest.pop(0)
    names = [n for n in rest if _NAME.fullmatch(n)] or ["REPLY"]
    line, newline, behind = (state.stdin or "").partition("\n")
    if state.stdin is None or not marks.known(state.stdin) or of_files(state, line):
        for name in names:
            state.put(name, marks.computed(f"${{{name}}}"))
        state.status = Outcome(None, True, " ".join(words), ("read", *words))
        return
    state.stdin = behind
    state.status = SUCCESS if newline else FAILURE
    separators = state.get("IFS")
    separators = separators if isinstance(separators, str) and marks.known(separators) else " \t\n"
    fields = _split(line, separators, 0 if array else len(names))
    if array:
        state.put(names[0], {str(n): f for n, f in enumerate(fields)})
        return
    for at, name in enumerate(names):
        state.put(name, fields[at] if at < len(fields) else "")


def _split(line: str, separators: str, most: int) -> list[str]:
    blank = "".join(c for c in separators if c.isspace())
    line = line.strip(blank) if blank else line
    if not separators or not line:
        return [line] if line else []
    pattern = f"[{re.escape(separators)}]" + ("+" if blank == separators else "")
    return re.split(pattern, line, maxsplit=max(0, most - 1) if most else 0) if most != 1 else [line]


def getopts(state: State, words: list[str]) -> None:
    """`getopts LETTERS NAME`: the next option of the arguments."""
    if len(words) < 3:
        state.status = FAILURE
        return
    letters, name = words[1], words[2]
    given = words[3:] or list(state.arguments)
    found = state.values.get("OPTIND", "1")
    place = int(found) if isinstance(found, str) and found.isdigit() else 1
    inside = state.values.get("OPTPLACE", "1")
    at = int(inside) if isinstance(inside, str) else 1
    word = given[place - 1] if place <= len(given) else ""
    if not word.startswith("-") or word == "-" or word == "--":
        state.put("OPTIND", str(place + (word == "--")))
        state.put(name, "?")
        state.status = FAILURE
        return
    letter, rest = word[at : at + 1], word[at + 1 :]
    takes = f"{letter}:" in letters and letter != ":"
    place, at = (place, at + 1) if rest and not takes else (place + 1, 1)
    if takes and not rest:
        rest = given[place - 1] if place <= len(given) else ""
        place += 1
    state.put(name, letter if letter in letters.replace(":", "") else "?")
    state.put("OPTARG", rest if takes else "")
    state.put("OPTIND", str(place))
    state.put("OPTPLACE", str(at))
    state.status = SUCCESS


def activated(state: State, variable: str, prefix: str) -> None:
    """A virtual or conda environment that is activated."""
    other = "VIRTUAL_ENV" if variable == "CONDA_PREFIX" else "CONDA_PREFIX"
    state.values.pop(other, None)
    prefix = os.path.normpath(prefix)
    path = state.values.get("PATH")
    folder = os.path.join(prefix, "Scripts" if os.name == "nt" else "bin")
    state.exported |= {variable, "PATH"}
    state.put(variable, prefix)
    state.put("PATH", os.pathsep.join([folder, path]) if isinstance(path, str) and path else folder)


def conda(state: State, name: str) -> None:
    """`conda activate NAME`."""
    known = [state.values.get(v) for v in ("CONDA_EXE", "MAMBA_EXE", "MAMBA_ROOT_PREFIX")]
    exe = next((v for v in known[:2] if isinstance(v, str) and v), "")
    root = known[2] if isinstance(known[2], str) and known[2] else os.path.dirname(os.path.dirname(exe))
    if root or os.sep in name:
        prefix = name if os.sep in name else root if name == "base" else os.path.join(root, "envs", name)
        activated(state, "CONDA_PREFIX", state.path(prefix))
    else:
        state.tell(f"where the conda environment `{one_line(marks.plain(name), 60)}` is located is unknown")


CHANGES: dict[str, Callable[[State, list[str]], None]] = {
    "unset": unset, "set": options, "shift": shift, "cd": enter, "pushd": enter, "popd": enter, "read": read,
    "getopts": getopts,
}  # fmt: skip
