"""What is read of a release's checks: conditions that always hold, validators that can be followed, limits that count."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

from doctor.matrix.extract.checks import checks, class_checks
from doctor.matrix.extract.conversions import conversion
from doctor.matrix.extract.definitions import definition, named, returned
from doctor.matrix.extract.fields import Settings
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.handed import handed_on, refused_when_made
from doctor.matrix.extract.installed import InstalledSource
from doctor.matrix.extract.shapes import shapes


def function(text: str) -> ast.FunctionDef:
    node = ast.parse(textwrap.dedent(text)).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def files(folder: Path, **texts: str) -> Files:
    """A release of these files: `a__b` is `a/b.py`."""
    info = folder / "x-1.dist-info"
    info.mkdir()
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    members = [f"{n.replace('__', '/')}.py" for n in texts]
    (info / "RECORD").write_text("".join(f"{m},,\n" for m in members), encoding="utf-8")
    return Files("x", "1", InstalledSource(info))


def test_only_what_is_always_reached_is_a_check() -> None:
    found = checks(
        function(
            """
            def check(args):
                if hasattr(args, "subparser") and args.subparser != "serve":
                    return
                if args.a and not args.b:
                    raise TypeError("Error: --a requires --b")
                if args.c:
                    args.d = 1
                if args.d:
                    raise ValueError("changed before")
                if args.e and other:
                    raise ValueError("another name")
                if len(args.f) > 1:
                    raise ValueError("a call")
                if args.g:
                    return
                if args.h:
                    raise ValueError("after a way out")
            """
        ),
        "args",
    )
    assert found == {"args.a and (not args.b)": "--a requires --b"}


def test_conditions_around_a_check_and_literals_belong_to_it() -> None:
    found = checks(
        function(
            """
            def check(args):
                ranks = (8, 16)
                sizes = [1, args.x]
                if args.a:
                    if not platform.cuda():
                        raise ValueError("another name")
                    if args.rank not in ranks:
                        raise ValueError(f"rank ({args.rank}) must be one of {ranks}.")
                elif args.b > 1:
                    say("too many")
                    raise ValueError("b")
                assert args.c or args.d, "c or d"
                if args.size in sizes:
                    raise ValueError("no literal")
                if args.f.check():
                    args.g = 1
                if args.g:
                    raise ValueError("changed before")
                if args.check():
                    pass
                if args.h:
                    raise ValueError("after a method that may change it")
            """
        ),
        "args",
    )
    assert found == {
        "args.a and args.rank not in (8, 16)": "rank must be one of (8, 16)",
        "not args.a and args.b > 1": "b",
        "not (args.c or args.d)": "c or d",
    }


def test_what_a_settings_class_refuses_is_asked_of_the_options_that_it_gets() -> None:
    tree = ast.parse(
        textwrap.dedent(
            """
            class Args:
                def create(self):
                    one = One(a=self.a, b=self.b, c=self.c or 1, d=self.d)
                    two = Two(e=self.e) if self.on else None
                    if self.on:
                        three = Three(f=self.f)
                    self.d = 2
            """
        )
    )
    classes = ast.parse(
        textwrap.dedent(
            """
            class One:
                @field_validator("b", mode="before")
                def _b(cls, value):
                    return value or 3
                def __post_init__(self):
                    if self.a > 4:
                        raise ValueError("a is too large")
                    if self.b:
                        raise ValueError("a validator may change it")
                    if self.c:
                        raise ValueError("is not what was given")
                    if self.d:
                        raise ValueError("is set before")
            class Two:
                def __post_init__(self):
                    if self.e < 1 or self.e > 8:
                        raise ValueError("e")
            class Three:
                def __post_init__(self):
                    if self.f:
                        raise ValueError("not always made")
            """
        )
    ).body
    known = {n.name: n for n in classes if isinstance(n, ast.ClassDef)}
    assert refused_when_made(tree, "Args", "create", known) == {
        "args.a > 4": "a is too large",
        "args.on and (args.e < 1 or args.e > 8)": "e",
    }


def test_a_check_over_what_another_validator_sets_is_left_out() -> None:
    node = ast.parse(
        textwrap.dedent(
            """
            class X:
                def __post_init__(self):
                    self.a = 1
                @model_validator(mode="after")
                def last(self):
                    if self.a:
                        raise ValueError("a")
                    if self.b is None:
                        raise ValueError("b")
                    return self
            """
        )
    ).body[0]
    assert isinstance(node, ast.ClassDef)
    assert class_checks(node) == {"self.b is None": "b"}


def test_limits_count_where_the_class_always_gets_the_option() -> None:
    tree = ast.parse(
        textwrap.dedent(
            """
            class Args:
                def create(self):
                    first = self.part()
                    second = Second(b=self.b, c=self.c or 1)
                    third = Third(d=self.d) if self.on else None
                    if self.on:
                        Fourth(e=self.e)
                    self.f = 2
                    Fifth(f=self.f)
                def part(self):
                    return First(a=self.a)
                def never(self):
                    return Sixth(g=self.g)
            """
        )
    )
    assert handed_on(tree, "Args", "create") == {("First", "a"), ("Second", "b")}


def test_names_are_followed_to_where_they_are_defined(tmp_path: Path) -> None:
    release = files(
        tmp_path,
        p__a="""
        from typing import TYPE_CHECKING
        from p.b import WORDS, Table
        from .c import *
        if TYPE_CHECKING:
            from p.b import Hidden
        else:
            Hidden = str
        def listed():
            from p.b import WORDS as W
            return list(W)
        """,
        p__b="""
        from p.c import MORE
        WORDS = ["x"] + MORE
        Hidden = ["y"]
        class Table:
            keys = {"k": run}
        """,
        p__c="MORE = ['z']\nclass Mode(Enum):\n    ON = 1\n    OFF = (1, 2)\n",
    )
    assert named(release, "p/a.py", ["WORDS", "Table.keys", "Mode"]) == {
        "WORDS": ["x", "z"], "Table.keys": {"k": named(release, "p/a.py", ["Table.keys"])["Table.keys"]["k"]},
        "Mode": ["ON", "OFF"],
    }  # fmt: skip
    hidden = definition(release, "p/a.py", "Hidden")
    assert hidden is None or ast.unparse(hidden.node) == "str"  # type: ignore[arg-type]
    assert returned(release, "p/a.py", {}) == {"listed()": ["x", "z"]}


def test_conversions(tmp_path: Path) -> None:
    release = files(
        tmp_path,
        p__a="""
        def same(raw):
            if raw == "old":
                raise ArgumentTypeError("gone")
            return raw
        def changed(raw):
            raw = raw.lower()
            return raw
        def object_only(raw):
            parsed = json.loads(raw)
            if not isinstance(parsed, dict):
                raise ArgumentTypeError("no object")
            return parsed
        """,
    )
    found = {n: conversion(release, ["p/a.py"], n) for n in ("same", "changed", "object_only", "missing")}
    assert found == {"same": "str", "changed": None, "object_only": "json object", "missing": None}


def shape_of(text: str) -> dict[str, object]:
    return shapes(Settings().read([ast.parse(textwrap.dedent(text))]), ["X"], forbids=True)


def test_shapes_of_a_class() -> None:
    found = shape_of(
        """
        class Mode(Enum):
            ON = 1
            OFF = (1, 2)
        @config
        class Inner:
            a: bool = None
            @field_validator("a", mode="wrap")
            def skip(cls, value, handler):
                if value is None:
                    return value
                return handler(value)
        @config
        class X:
            mode: Mode = None
            inner: Inner = None
            many: list[int] | None = Field(default=None, min_length=1)
            some: dict[str, Literal["p", "q"]] = None
            own: int = 0
            hidden: int = field(default=0, init=False)
            any_type: SomethingElse = None
            @field_validator("mode", mode="before")
            def named(cls, value):
                if isinstance(value, str):
                    return Mode[value.upper()]
                return value
            @field_validator("own", mode="before")
            def does_more(cls, value):
                return compute(value)
        """
    )
    assert found == {
        "X": {"closed": True}, "X.mode": [{"upper": ["ON", "OFF"], "or": []}], "X.inner": [{"class": "Inner"}],
        "X.many": [{"list": ["int"]}, "null", {"bounds": {"min_length": 1}}],
        "X.some": [{"dict": [{"in": ["p", "q"]}]}], "X.own": [], "X.any_type": [],
        "Inner": {"closed": True}, "Inner.a": ["bool", "null"],
    }  # fmt: skip


def test_a_class_whose_keys_may_be_renamed_is_open() -> None:
    renames = """
    @config
    class X:
        a: int = 0
        @model_validator(mode="before")
        def old(cls, data):
            data["a"] = data.pop("b", 0)
            return data
    """
    assert shape_of(renames)["X"] == {"closed": False}
    assert shape_of("@dataclass\nclass X:\n    a: int = 0\n")["X"] == {"closed": False}


def test_a_literal_that_is_not_known_whole_limits_nothing() -> None:
    found = Settings().read([ast.parse("class X:\n    a: Literal['p', Other] = 'p'\n")]).kwargs("X")
    assert "choices" not in found["a"]
