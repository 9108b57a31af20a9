"""A command line, word by word: which words are secret because an option or variable before them says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.base.record import dataclass
from doctor.base.secrets.names import is_secret_name


@dataclass(frozen=True, slots=True)
class Argument:
    """One word: `secret` is the part that must not be shown, behind the part `shown` (`--api-key=`), None for none."""

    word: str
    shown: str = ""
    secret: str | None = None


def arguments(argv: Sequence[str]) -> Iterator[Argument]:
    """`--api-keys a b`, `--hf-token=x` and `KEY=value` with what they hide; every other word with nothing."""
    hiding = False
    for word in argv:
        name, equals, value = word.partition("=")
        option = word.startswith("-")
        named = is_secret_name(name.lstrip("-") if option else name)
        if option:
            hiding = named and not equals
        if hiding and not option:
            yield Argument(word, "", word)
        elif named and equals:
            yield Argument(word, f"{name}=", value)
        else:
            yield Argument(word)
