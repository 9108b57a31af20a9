"""Where the words of a launch stand in the file that it was read from.

A word counts only where it stands as it is read, in the command's order; a `$NAME` in a word's place leads to where the
file, or the file of variables next to it, sets it. Two places that fit alike are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.facts import Launch
from doctor.facts.written import Word, Written
from doctor.launch.tokens import Token, tokens_of

MOST_STARTS = 4000
AHEAD = 8  # words that one computed word may stand for
_PARTS = ("command", "args", "entrypoint")
_VARIABLE = late_pattern(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?::?-(?P<default>[^{}$]*))?\})$")
_CONTINUES = ("\\", "`", "^")
Chain = dict[int, int]  # the word's place in the command -> that of its token


@dataclass(frozen=True)
class Text:
    """A file: its name as it is shown, its text, and the file of variables that goes with it, if there is one."""

    path: str
    text: str
    variables: tuple[str, str] | None = None


def written(launch: Launch, file: Text, names: Sequence[str] = (), line: int | None = None) -> Written | None:
    """The places of the launch's words in a file; None where they do not stand there, or may stand twice.

    `names` are those by which the file calls the service, `line` is the one on which the command begins.
    """
    found = tokens_of(file.text, file.path.lower())
    chain = _chosen(found, launch, names, lambda at: line in (None, _line(file.text, at)))
    if chain is None:
        return None
    places = [_placed(file, found, chain, at, word) for at, word in enumerate(launch.argv)]
    variables = {n: w for n, v in launch.environ.items() if (w := _variable(file, found, n, v)) is not None}
    return Written(file.path, tuple(places), variables)


def _chosen(tokens: list[Token], launch: Launch, names: Sequence[str], starts: Callable[[int], bool]) -> Chain | None:
    """The one place that fits best, of those that start where `starts` has it."""
    chains = [c for c in _chains(tokens, launch.argv) if starts(tokens[min(c.values())].start)]
    most = max(map(len, chains), default=0)
    best = [c for c in chains if len(c) == most]
    if most * 2 < len(launch.arguments) or not most:
        return None
    if len(best) > 1:
        best = [c for n, c in enumerate(best) if _named(tokens, best[n - 1] if n else None, c, names)]
    return best[0] if len(best) == 1 else None


def _named(tokens: list[Token], before: Chain | None, chain: Chain, names: Sequence[str]) -> bool:
    """Whether the service's name stands between the place before and this one."""
    begin = max(before.values()) + 1 if before else 0
    return any(t.value in names for t in tokens[begin : min(chain.values())])


def _chains(tokens: list[Token], words: Sequence[str]) -> Iterator[Chain]:
    """Every place where words of the command follow each other."""
    at = dict[str, list[int]]()
    for n, token in enumerate(tokens):
        at.setdefault(token.value, []).append(n)
    starts = [(n, w) for w, word in enumerate(words) for n in at.get(word, ()) if not tokens[n].key]
    seen = set[tuple[int, int]]()
    for start in starts[:MOST_STARTS] if len(starts) <= MOST_STARTS else ():
        if start not in seen:
            chain = _from(tokens, words, *start)
            seen |= {(n, w) for w, n in chain.items()}
            yield chain


def _from(tokens: list[Token], words: Sequence[str], here: int, word: int) -> Chain:
    """The words from one on, as far as they follow each other; computed ones may be between them."""
    chain, loose, end = {word: here}, False, len(words)
    while here + 1 < len(tokens) and word + 1 < end:
        here += 1
        token = tokens[here]
        if token.value in _CONTINUES or (token.key and token.value in _PARTS):
            continue
        ahead = words[word + 1 : word + 1 + (AHEAD if loose else 1)]
        if not token.key and token.value in ahead:
            word += 1 + ahead.index(token.value)
            chain[word], loose = here, False
        elif token.stop or token.key:
            if not token.stop or not _goes_on(tokens, here):
                break
        elif "$" in token.value or "{{" in token.value:
            loose, word = True, word + (not loose)
            if _VARIABLE.match(token.value):
                chain[word] = here
        else:
            break
    return chain


def _goes_on(tokens: list[Token], here: int) -> bool:
    """Whether a value of YAML ends here, and the next one belongs to the same command."""
    after = tokens[here + 1] if here + 1 < len(tokens) else None
    return not tokens[here].value and after is not None and (not after.key or after.value in _PARTS)


def _placed(file: Text, tokens: list[Token], chain: Chain, at: int, word: str) -> Word | None:
    if at not in chain:
        return None
    token = tokens[chain[at]]
    if token.value != word:
        return _computed(file, tokens, token, word)
    before = tokens[chain[at - 1]] if at - 1 in chain else None
    gap = file.text[before.end : token.start] if before is not None else ""
    begin = file.text.rfind("\n", 0, token.start) + 1
    front = file.text[begin : token.start]
    front = front if token.style == "item" and re.fullmatch(r"[ ]*-[ ]+", front) else ""
    return replace(_word(file.text, token), gap=gap if re.fullmatch(r"[ \t,]+", gap) else "", front=front)


def _computed(file: Text, tokens: list[Token], token: Token, word: str) -> Word | None:
    """Where a variable in a word's place gets this value."""
    found = _VARIABLE.match(token.value)
    if found is None:
        return None
    name = found["plain"] or found["name"]
    own = [t for t in tokens if t.value == f"{name}={word}" and t.style == "shell"]
    if len(own) == 1:
        return replace(_word(file.text, own[0]), head=f"{name}=")
    if file.variables is not None:
        path, text = file.variables
        theirs = [t for t in tokens_of(text, path) if t.value == f"{name}={word}"]
        if len(theirs) == 1:
            return replace(_word(text, theirs[0]), head=f"{name}=", path=path)
    if found["default"] != word or word not in token.value:
        return None
    here = _word(file.text, token)
    head, _, tail = here.text.rpartition(word)
    return replace(here, head=head, tail=tail) if tail[:1] == "}" else None


def _variable(file: Text, tokens: list[Token], name: str, value: str) -> Word | None:
    """Where a variable gets its value, `NAME=value` or a value behind its name; None where that is not one place."""
    found = [replace(_word(file.text, t), head=f"{name}=") for t in tokens if t.value == f"{name}={value}"]
    for here, token in enumerate(tokens[:-1]):
        after = tokens[here + 1]
        if after.key and after.value == "value":
            after = tokens[here + 2] if here + 2 < len(tokens) else after
        if token.value == name and token.style == "item" and after.value == value:
            found.append(_word(file.text, after))
    return found[0] if len(found) == 1 else None


def _word(text: str, token: Token) -> Word:
    begin = text.rfind("\n", 0, token.start) + 1
    column = token.start - begin + 1
    shown = text[token.start : token.end]
    return Word(_line(text, token.start), column, column + len(shown), shown, token.style)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
