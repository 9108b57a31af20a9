"""What the program `getopt` prints: the arguments in the order of options first, each option apart."""

from __future__ import annotations

_TAKES_VALUE = {
    "-o": "short", "--options": "short", "-l": "long", "--long": "long", "--longoptions": "long",
    "--longoption": "long", "-n": "", "--name": "",
}  # fmt: skip


def getopt(words: list[str]) -> str | None:
    """The line that `getopt -o LETTERS --long NAMES -- ARGUMENTS` prints; None for other forms and for mistakes."""
    asked = {"short": "", "long": ""}
    rest = list(words)
    while rest and rest[0] != "--":
        option, equals, value = rest.pop(0).partition("=")
        if option not in _TAKES_VALUE:
            if option[:2] in ("-o", "-l", "-n") and len(option) > 2:
                option, equals, value = option[:2], "=", option[2:]
            else:
                return None
        if not equals:
            if not rest:
                return None
            value = rest.pop(0)
        if kind := _TAKES_VALUE[option]:
            asked[kind] += ("," if kind == "long" and asked[kind] else "") + value
    return _arranged(rest[1:], asked["short"].lstrip("+-"), asked["long"].split(",")) if rest else None


def _arranged(given: list[str], short: str, long: list[str]) -> str | None:
    options: list[str] = []
    others: list[str] = []
    while given:
        word = given.pop(0)
        if word == "--":
            others += given
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            known = [n for n in long if n.rstrip(":") == name] or [n for n in long if n.startswith(name)]
            if len(known) != 1:
                return None
            options.append("--" + known[0].rstrip(":"))
            if known[0].endswith(":"):
                optional = known[0].endswith("::")
                if not equals and not optional and not given:
                    return None
                options.append(_quoted(value if equals or optional else given.pop(0)))
        elif word.startswith("-") and len(word) > 1:
            found = _letters(word[1:], short, given)
            if found is None:
                return None
            options += found
        else:
            others.append(word)
    return "".join(f" {o}" for o in [*options, "--", *map(_quoted, others)]) + "\n"


def _letters(letters: str, short: str, given: list[str]) -> list[str] | None:
    out: list[str] = []
    while letters:
        letter, letters = letters[0], letters[1:]
        at = short.find(letter)
        if at < 0 or letter == ":":
            return None
        out.append(f"-{letter}")
        if short.startswith("::", at + 1):
            out.append(_quoted(letters))
            break
        if short.startswith(":", at + 1):
            if not letters and not given:
                return None
            out.append(_quoted(letters or given.pop(0)))
            break
    return out


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
