"""What `pip install` lines of a shell text install: of a Dockerfile's RUN, of a container's command."""

from __future__ import annotations

import os
from collections.abc import Mapping

from doctor.base.late import late_pattern
from doctor.collect.declared.pins import Reading, note_build
from doctor.collect.declared.requirements import read_line, read_requirements
from doctor.facts import Problem

_PYTHON = late_pattern(r"(?:.*/)?python[0-9.]*$")
_PIP = late_pattern(r"(?:.*/)?pip[0-9.]*$")
_BEFORE = frozenset({"uv", "-m", "sudo", "-E", "-H", "env", "exec", "time", "then", "else", "do", "{", "!", "-u", "-I"})
# options of `pip install` and `uv pip install` whose value is the next word
_VALUES = """
-i --index-url --extra-index-url -f --find-links --index --default-index -t --target --prefix --root --python -p
--python-version --platform --abi --implementation --trusted-host --proxy --cache-dir --timeout --retries --only-binary
--no-binary --progress-bar --log --src --report --upgrade-strategy --use-feature --cert --client-cert --prerelease
--index-strategy --link-mode --torch-backend --keyring-provider --exclude-newer --config-settings -C --global-option
"""
_VALUED = frozenset(_VALUES.split())


def read_installs(script: str, environ: Mapping[str, str], source: str, path: str, reading: Reading) -> None:
    """Adds the pins of the `pip install` commands on the likeliest way through a shell text; `path` is its file."""
    from doctor.launch.shell_text import Setting, ways

    setting = Setting(environ, "/", open_environment=True)
    for start in ways(script, setting)[0].starts:
        words = _after_install(list(start.words))
        if words is not None:
            reading.step += 1
            _read_words(words, source, path, reading)


def _after_install(words: list[str]) -> list[str] | None:
    """What follows `pip install`, `python -m pip install` or `uv pip install`; None for any other command."""
    for at, word in enumerate(words[:20]):
        if _PIP.match(word):
            found = "install" in words[at + 1 : at + 6]
            return words[words.index("install", at) + 1 :] if found else None
        if word not in _BEFORE and "=" not in word and not _PYTHON.match(word):
            return None
    return None


def _read_words(words: list[str], source: str, path: str, reading: Reading) -> None:
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in ("-r", "--requirement", "-c", "--constraint"):
            file = value if equals else next(rest, "")
            _read_named(file, source, path, reading, constraint=name in ("-c", "--constraint"))
        elif word in ("-e", "--editable") or word in _VALUED:
            note_build(f"{word} {next(rest, '')}", reading)
        elif word.startswith("-"):
            note_build(word, reading)
        else:
            read_line(word, source, path, reading)


def _read_named(file: str, source: str, path: str, reading: Reading, constraint: bool) -> None:
    """A requirement file that was copied into the image: looked for beside the Dockerfile, by path, then by name."""
    folder = os.path.dirname(path)
    for candidate in (file.lstrip("/"), os.path.basename(file)):
        if candidate and os.path.isfile(os.path.join(folder, candidate)):
            read_requirements(os.path.join(folder, candidate), reading, constraint, depth=1)
            return
    reading.problems.append(Problem(source, f"`{source}` installs `{file[:100]}`, which is not next to the Dockerfile"))
