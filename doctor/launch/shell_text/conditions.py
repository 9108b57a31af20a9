"""`[ ... ]`, `[[ ... ]]` and `(( ... ))`: whether they hold, as far as what they compare is known."""

from __future__ import annotations

import re
from dataclasses import replace

from doctor.launch.shell_text import marks
from doctor.launch.shell_text.arithmetic import NotKnown, evaluated
from doctor.launch.shell_text.expand import Expander, expander
from doctor.launch.shell_text.glob import matches, simple
from doctor.launch.shell_text.state import FAILURE, SUCCESS, Outcome, State
from doctor.launch.shell_text.tree import Calculation, Condition

_NUMBERS = {"-eq": "==", "-ne": "!=", "-lt": "<", "-le": "<=", "-gt": ">", "-ge": ">="}
_FILES = frozenset("aefdrwxsLhpSbcgkuGON")
_OPERATORS = frozenset(("=", "==", "!=", "=~", "<", ">", "-nt", "-ot", "-ef", *_NUMBERS))


def calculation(node: Calculation, state: State) -> Outcome:
    """`((expression))`: holds where the value is not zero."""
    reading = expander(state, conditional=True)
    before = state.copy()
    try:
        return SUCCESS if reading.number(node.expression) else FAILURE
    except NotKnown:
        state.values, state.own, state.gone = before.values, before.own, before.gone
    about = marks.names(reading.text(node.expression)) | frozenset(re.findall(r"[A-Za-z_]\w*", node.source))
    try:
        guess = bool(reading.number(node.expression, guess=True))
    except NotKnown:
        guess = False
    return Outcome(None, guess, node.source, ("((", node.source), True, False, about)


def condition(node: Condition, state: State) -> Outcome:
    """`[[ ... ]]`."""
    found = _evaluated(node, expander(state, conditional=True))
    if found.holds is not None:
        return found
    return Outcome(
        None, found.guess, node.source, found.key, True, found.negated, found.about, found.empty, found.filled
    )


def _evaluated(node: Condition, reading: Expander) -> Outcome:
    if node.op == "!":
        return negated(_evaluated(node.inner[0], reading))
    if node.op in ("&&", "||"):
        return _both(_evaluated(node.inner[0], reading), _evaluated(node.inner[1], reading), node.op)
    word = node.words[0]
    if len(node.words) == 1:
        return unary(node.op, reading.text(word), node.source, reading.state)
    right = node.words[1]
    if node.op in ("=", "==", "!="):
        return binary(reading.text(word), node.op, reading.pattern(right), node.source, pattern=True)
    if node.op == "=~":
        return _expression(reading.text(word), reading.pattern(right), node.source)
    return binary(reading.text(word), node.op, reading.text(right), node.source)


def negated(outcome: Outcome) -> Outcome:
    """The contrary."""
    if outcome.holds is not None:
        return FAILURE if outcome.holds else SUCCESS
    return Outcome(
        None, outcome.guess, outcome.text, outcome.key, outcome.test, not outcome.negated, outcome.about,
        outcome.empty, outcome.filled,
    )  # fmt: skip


def _both(left: Outcome, right: Outcome, op: str) -> Outcome:
    """`left && right`, `left || right`."""
    decides = op == "||"
    for one, other in ((left, right), (right, left)):
        if one.holds is decides:
            return one
        if one.holds is not None:
            return other
    guesses = (left.guess != left.negated, right.guess != right.negated)
    guess = any(guesses) if decides else all(guesses)
    key = (op, left.key, left.negated, right.key, right.negated)
    return Outcome(None, guess, f"{left.text} {op} {right.text}", key, True, False, left.about | right.about)


def unary(op: str, text: str, source: str, state: State) -> Outcome:
    """`-n X`, `-f X`."""
    if op in ("-n", "-z"):
        return _filled(op == "-n", text, source, state)
    if op == "-v":
        text = marks.plain(text)
        value = state.get(text)
        return (
            _filled(True, value, source, state) if isinstance(value, str) and value != "" else _known(value is not None)
        )
    if op[1:] in _FILES and marks.known(text):
        there = state.exists(state.path(text)) if text else False
        if there is not None and (op in ("-e", "-a", "-f", "-d", "-r", "-x", "-s") or not there):
            return _known(there)
    elif op == "-t":
        return FAILURE
    guess = any(name in text for name in ("command -v ", "which ", "type -P "))  # `[ -x "$(command -v vllm)" ]`
    return Outcome(None, guess, source, (op, text), True, False, marks.names(text))


def _filled(wanted: bool, text: str, source: str, state: State) -> Outcome:
    """Whether a text is not empty (`wanted`), or whether it is."""
    parts = marks.pieces(text)
    if any(marks.known(p) or marks.only(p) in state.outer for p in parts):
        return _known(wanted)
    if not text:
        return _known(not wanted)
    guess = bool(marks.guessed(text)) == wanted
    names = marks.names(text)
    only = next(iter(names)) if len(names) == 1 and len(parts) == 1 and not marks.runtime(text) else None
    if only is not None and marks.only(text) is None:
        only = only if not marks.plain(text) else None
    empty, filled = (None, only) if wanted else (only, None)
    return Outcome(None, guess, source, ("-n" if wanted else "-z", text), True, False, names, empty, filled)


def _known(holds: bool) -> Outcome:
    return SUCCESS if holds else FAILURE


def binary(left: str, op: str, right: str, source: str, pattern: bool = False) -> Outcome:
    """`X = Y`, `X -gt Y`; with `pattern`, the right side is one."""
    certain = marks.known(left) and marks.known(right)
    found = _compared(marks.guessed(left), op, marks.guessed(right), pattern)
    if certain and found is not None:
        return _known(found)
    key = ("!=" if op == "!=" else op, left, right)
    return Outcome(None, bool(found), source, key, True, False, marks.names(left) | marks.names(right))


def _compared(left: str, op: str, right: str, pattern: bool) -> bool | None:
    if op in _NUMBERS:
        try:
            return _number(left, op, right)
        except NotKnown:
            return False
    if op in ("=", "=="):
        return matches(right, left) if pattern else left == right
    if op == "!=":
        return not (matches(right, left) if pattern else left == right)
    return left < right if op == "<" else left > right if op == ">" else None


def _number(left: str, op: str, right: str) -> bool:
    def get(name: str) -> str:
        raise NotKnown(name)

    def put(name: str, value: str) -> None:
        raise NotKnown(name)

    one, other = evaluated(left, get, put), evaluated(right, get, put)
    return bool(evaluated(f"{one} {_NUMBERS[op]} {other}", get, put))


def _expression(left: str, pattern: str, source: str) -> Outcome:
    """`X =~ regular expression`, where it is short and simple."""
    certain = marks.known(left) and marks.known(pattern)
    try:
        expression, text = _python(marks.guessed(pattern)), marks.guessed(left)
        found = bool(re.search(expression, text)) if simple(expression, text) else None
    except (re.error, RecursionError):
        found = None
    if certain and found is not None:
        return _known(found)
    return Outcome(None, bool(found), source, ("=~", left, pattern), True, False, marks.names(left))


def _python(pattern: str) -> str:
    names = {"digit": "0-9", "alpha": "a-zA-Z", "alnum": "a-zA-Z0-9", "space": r"\s", "upper": "A-Z", "lower": "a-z"}
    return re.sub(r"\[:(\w+):\]", lambda m: names.get(m[1], ""), pattern)


def test(words: list[str], source: str, state: State) -> Outcome:
    """`[ words ]`, by the number of words as POSIX says, and with `-a`, `-o`, `!`, parentheses."""
    if len(words) > 64:
        return Outcome(None, False, source, source, True)
    for op, joint in (("-o", "||"), ("-a", "&&")):
        at = next((n for n, w in enumerate(words) if w == op and 0 < n < len(words) - 1 and len(words) > 3), None)
        if at is not None:
            return _both(test(words[:at], source, state), test(words[at + 1 :], source, state), joint)
    if not words:
        return FAILURE
    if len(words) == 3 and words[1] in _OPERATORS:
        found = binary(words[0], words[1], words[2], source)
        # `[` refuses to compare the number of nothing, where `[[` counts it as 0
        nothing = words[1] in _NUMBERS and not all(map(marks.guessed, (words[0], words[2])))
        return (
            replace(found, guess=False, key=("[", found.key))
            if nothing and found.holds is None
            else FAILURE
            if nothing
            else found
        )
    if words[0] == "!" and len(words) > 1:
        return negated(test(words[1:], source, state))
    if words[0] == "(" and words[-1] == ")" and len(words) > 2:
        return test(words[1:-1], source, state)
    if len(words) == 1:
        return _filled(True, words[0], source, state)
    if len(words) == 2 and re.fullmatch(r"-[a-zA-Z]", words[0]):
        return unary(words[0], words[1], source, state)
    return Outcome(None, False, source, ("[", *words), True, False, marks.names(" ".join(words)))


def clause(value: str, pattern: str) -> bool | None:
    """Whether a value matches a pattern of `case`; None where that is not known."""
    if marks.known(value) and marks.known(pattern):
        return matches(pattern, value)
    return True if set(pattern) == {"*"} else None


def guess_clause(value: str, pattern: str) -> bool:
    """The same when what nobody sets is empty."""
    return matches(marks.guessed(pattern), marks.guessed(value))
