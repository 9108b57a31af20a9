"""A shell script as a tree: words of parts, commands of words. Values only."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass


@dataclass(frozen=True)
class Literal:
    """Text that stands for itself; `quoted` text is neither split nor a pattern."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Parameter:
    """`$NAME`, `${NAME[index]op argument/second}`; `prefix` is `#` for a length, `!` for an indirection."""

    name: str
    source: str
    quoted: bool = False
    prefix: str = ""
    index: Word | None = None
    op: str = ""
    argument: Word | None = None
    second: Word | None = None


@dataclass(frozen=True)
class Substitution:
    """`$(commands)`, with the commands' tree."""

    body: tuple[Node, ...]
    source: str
    quoted: bool = False


@dataclass(frozen=True)
class Arithmetic:
    """`$((expression))`."""

    expression: Word
    source: str
    quoted: bool = False


@dataclass(frozen=True)
class Process:
    """`<(commands)` and `>(commands)`: a file that is named at run time."""

    body: tuple[Node, ...]
    source: str
    quoted: bool = True


Part = Literal | Parameter | Substitution | Arithmetic | Process


@dataclass(frozen=True)
class Word:
    """One word; `source` is how it is written."""

    parts: tuple[Part, ...]
    source: str = ""


@dataclass(frozen=True)
class Redirect:
    """`2>FILE`, `<<EOF` with its body as the target; `fd` is -1 where none is written."""

    fd: int
    op: str
    target: Word


@dataclass(frozen=True)
class Assignment:
    """`NAME=value`, `NAME[index]+=value`, `NAME=(items)`; an item may have an index of its own."""

    name: str
    value: Word | tuple[tuple[Word | None, Word], ...]
    append: bool = False
    index: Word | None = None


@dataclass(frozen=True)
class Simple:
    """A simple command; the words of `export` and its kind may be assignments."""

    assignments: tuple[Assignment, ...]
    words: tuple[Word | Assignment, ...]
    line: int
    source: str


@dataclass(frozen=True)
class Redirected:
    """A command whose input and output go elsewhere."""

    body: Node
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True)
class Pipeline:
    """`a | b`, `! a`."""

    commands: tuple[Node, ...]
    negated: bool
    source: str


@dataclass(frozen=True)
class AndOr:
    """`a && b || c`: the first command, and the others with the operator in front of each."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Background:
    """`a &`."""

    body: Node


@dataclass(frozen=True)
class Group:
    """`{ a; }`, and `( a )` where `subshell`."""

    body: tuple[Node, ...]
    subshell: bool


@dataclass(frozen=True)
class If:
    """Conditions with their bodies, and what runs when none of them holds."""

    branches: tuple[tuple[tuple[Node, ...], tuple[Node, ...]], ...]
    otherwise: tuple[Node, ...]


@dataclass(frozen=True)
class While:
    """`while`, and `until` where `until`."""

    condition: tuple[Node, ...]
    body: tuple[Node, ...]
    until: bool
    line: int


@dataclass(frozen=True)
class For:
    """`for NAME in words`, the arguments where `words` is None; `select` runs its body as often as a person answers."""

    name: str
    words: tuple[Word, ...] | None
    body: tuple[Node, ...]
    line: int
    select: bool = False


@dataclass(frozen=True)
class Counting:
    """`for ((first; condition; step))`."""

    first: Word
    condition: Word
    step: Word
    body: tuple[Node, ...]
    line: int


@dataclass(frozen=True)
class Case:
    """`case word in patterns) body ;;`: patterns, body, and what ends it."""

    word: Word
    clauses: tuple[tuple[tuple[Word, ...], tuple[Node, ...], str], ...]


@dataclass(frozen=True)
class Function:
    """The definition of a function."""

    name: str
    body: Node


@dataclass(frozen=True)
class Calculation:
    """`((expression))`."""

    expression: Word
    source: str


@dataclass(frozen=True)
class Condition:
    """`[[ ... ]]`: `op` is `&&`, `||`, `!` with conditions in `inner`, else a test of one or two words."""

    op: str
    words: tuple[Word, ...] = ()
    inner: tuple[Condition, ...] = ()
    source: str = ""


Node = (
    Simple | Redirected | Pipeline | AndOr | Background | Group | If | While | For | Counting | Case | Function
    | Calculation | Condition
)  # fmt: skip


@dataclass(frozen=True)
class Script:
    """The commands of a text; `broken` is the line that cannot be parsed; `assigned` are all names it assigns."""

    body: tuple[Node, ...]
    broken: int | None = None
    assigned: frozenset[str] = field(default=frozenset())
