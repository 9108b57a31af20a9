"""`$((1 + i))`: integers of 64 bits, with variables and assignments."""

from __future__ import annotations

import re
from collections.abc import Callable

from doctor.base.late import late_pattern

_TOKEN = late_pattern(
    r"\s*(0[xX][0-9a-fA-F]+|\d+#\w+|\d+|[A-Za-z_]\w*(?:\[[^\]]*\])?"
    r"|<<=|>>=|\*\*|\+\+|--|&&|\|\||[<>=!]=|<<|>>|[-+*/%&|^]=|[-+*/%<>=!~&|^?:(),])"
)
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", ">", "<=", ">="), ("<<", ">>"), ("+", "-"),
    ("*", "/", "%"),
)  # fmt: skip
_DEEPEST = 12
_ASSIGN = ("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=")


class NotKnown(ValueError):
    """An expression whose value cannot be computed here."""


def evaluated(text: str, get: Callable[[str], str], put: Callable[[str, str], None], depth: int = 0) -> int:
    """The value of an expression; `get` returns a variable's text and raises `NotKnown` where it has none."""
    if depth > _DEEPEST or len(text) > 4096:
        raise NotKnown(text)
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotKnown(text)
        tokens.append(found[1])
        at = found.end()
    if not tokens:
        return 0
    reading = _Expression(tokens, get, put, depth)
    value = reading.comma()
    if reading.at != len(tokens):
        raise NotKnown(text)
    return value


class _Expression:
    def __init__(
        self, tokens: list[str], get: Callable[[str], str], put: Callable[[str, str], None], depth: int
    ) -> None:
        self.tokens, self.get, self.put, self.depth, self.at = tokens, get, put, depth, 0
        self.skipped = 0

    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *these: str) -> str:
        found = self.next()
        if found in these and found:
            self.at += 1
            return found
        return ""

    def comma(self) -> int:
        value = self.assign()
        while self.take(","):
            value = self.assign()
        return value

    def assign(self) -> int:
        name = self.next()
        op = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        if op in _ASSIGN and re.match(r"[A-Za-z_]", name):
            self.at += 2
            right = self.assign()
            value = right if op == "=" else _applied(op[:-1], self.value(name), right)
            self.store(name, value)
            return value
        return self.choice()

    def store(self, name: str, value: int) -> None:
        if not self.skipped:
            self.put(name, str(value))

    def value(self, name: str) -> int:
        if self.skipped:
            return 1
        text = self.get(name)
        return (
            int(text)
            if re.fullmatch(r"-?[1-9]\d{0,18}|0", text)
            else evaluated(text, self.get, self.put, self.depth + 1)
        )

    def choice(self) -> int:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotKnown("")
        holds = self.level(0)
        if self.take("?"):
            yes = self.unless(not holds, self.assign)
            if not self.take(":"):
                raise NotKnown("")
            no = self.unless(bool(holds), self.assign)
            holds = yes if holds else no
        self.depth -= 1
        return holds

    def unless(self, skip: bool, reading: Callable[[], int]) -> int:
        self.skipped += skip
        value = reading()
        self.skipped -= skip
        return value

    def level(self, level: int) -> int:
        if level == len(_LEVELS):
            return self.power()
        left = self.level(level + 1)
        while op := self.take(*_LEVELS[level]):
            if op in ("&&", "||"):
                right = self.unless(bool(left) == (op == "||"), lambda: self.level(level + 1))
                left = int(bool(left) and bool(right)) if op == "&&" else int(bool(left) or bool(right))
            else:
                left = _applied(op, left, self.level(level + 1) if op else 0, bool(self.skipped))
        return left

    def power(self) -> int:
        base = self.unary()
        if self.take("**"):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise NotKnown("")
            return _applied("**", base, self.power())
        return base

    def unary(self) -> int:
        op = self.take("!", "~", "+", "-", "++", "--")
        if not op:
            return self.atom()
        if op in ("++", "--"):
            name = self.next()
            self.at += 1
            if not re.match(r"[A-Za-z_]", name):
                raise NotKnown(name)
            value = self.value(name) + (1 if op == "++" else -1)
            self.store(name, value)
            return value
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotKnown("")
        value = self.unary()
        self.depth -= 1
        return {"!": int(not value), "~": ~value, "+": value, "-": -value}[op]

    def atom(self) -> int:
        token = self.next()
        self.at += 1
        if token == "(":
            value = self.comma()
            if not self.take(")"):
                raise NotKnown("")
            return value
        if token[:1].isdigit():
            return _number(token)
        if not re.match(r"[A-Za-z_]", token):
            raise NotKnown(token)
        value = self.value(token)
        if op := self.take("++", "--"):
            self.store(token, value + (1 if op == "++" else -1))
        return value


def _number(token: str) -> int:
    base, hash_sign, digits = token.partition("#")
    try:
        if hash_sign:
            return int(digits, int(base))
        return (
            int(token, 16) if token[:2] in ("0x", "0X") else int(token, 8 if token[0] == "0" and len(token) > 1 else 10)
        )
    except ValueError:
        raise NotKnown(token) from None


def _applied(op: str, left: int, right: int, skipped: bool = False) -> int:
    if op in ("/", "%") and right == 0:
        if skipped:
            return 0
        raise NotKnown(op)
    if op in ("<<", ">>", "**") and not 0 <= right < 64:
        raise NotKnown(op)
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1) if op in ("/", "%") else 0
    value = {
        "+": left + right, "-": left - right, "*": left * right, "/": quotient, "%": left - quotient * right,
        "&": left & right, "|": left | right, "^": left ^ right, "==": left == right, "!=": left != right,
        "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right,
    }.get(op)  # fmt: skip
    if value is None:
        value = left**right if op == "**" else left << right if op == "<<" else left >> right
    return (int(value) + (1 << 63)) % (1 << 64) - (1 << 63)
