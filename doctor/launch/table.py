"""The options of one engine release as its parser knows them, from the data."""

from __future__ import annotations

from dataclasses import field, fields, replace
from typing import Any

from doctor.base.record import dataclass
from doctor.launch.shapes import Shapes
from doctor.matrix import rows
from doctor.matrix.refusals import holds_for, refusals

HELP = ("-h", "--help")
# how one value is read where a table's name for it is the name of a function in the release's source
_TYPES = {
    "json.loads": "json", "optional_type": "any", "nullable_str": "str", "nullable_kvs": "key=value",
    "json_list_type": "json", "union_dict_and_str": "text or json", "human_readable_int": "readable int",
    "human_readable_int_or_auto": "readable int or auto", "_parse": "policy",
}  # fmt: skip
_CHECKED = frozenset(
    ("str", "int", "float", "json", "json object", "lora", "key=value", "json or key=value", "text or json",
     "readable int", "readable int or auto", "SI int", "folded text", "text or none", "policy", "true or false", "bool")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Option:
    """One option or, without spellings, one positional word.

    `nargs`: None one value, 0 none, a number, or `?`, `*`, `+`. `type` is a name of ours (`json`, `readable int`), or
    `any` where what the release accepts is not known. `optional`: `None` and the empty word mean no value.
    `words` are all that a `policy` takes; `named` is all that is no file. `exclusive` names the group of which one may
    be given; `only` the backend that alone reads it; `refused`: the parser knows it only to reject it; `defaulted`: its
    default is known; `negative` are the spellings that switch it off; `bounds` are the limits of its number as `ge`,
    `gt`, `le`, `lt`; `settings` names the class in `shapes` that reads its JSON.
    """

    name: str
    spellings: tuple[str, ...] = ()
    type: str = "str"
    nargs: str | int | None = None
    choices: tuple[Any, ...] | None = None
    required: bool = False
    optional: bool = False
    words: tuple[str, ...] = ()
    exclusive: str | None = None
    only: str | None = None
    refused: bool = False
    default: Any = None
    defaulted: bool = False
    negative: tuple[str, ...] = ()
    bounds: tuple[tuple[str, float], ...] = ()
    settings: str | None = None
    shapes: Shapes | None = None
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """What the release's parser does to the words before argparse sees them.

    `underscores` in names become dashes; `dotted`: `--x.y 1` is a part of the JSON of `--x` (`dotted_short`: any word
    with a hyphen and a dot is such a part, `-0.5` too); `lists`: `--x.y+ a` adds to a list; `config`: a file of options
    can be named; `levels`: `-O3` is understood; `inverses`: `--disable-x` for `--enable-x`; `model_first`: `serve
    --model M` is `serve M`; `model_refused`: it is an error; `model_checked`: it is one beside a word;
    `served_after_model`: `serve --served-model-name x` needs the model in front of it.
    """

    underscores: bool = False
    dotted: bool = False
    dotted_short: bool = False
    lists: bool = False
    config: bool = False
    levels: bool = False
    inverses: bool = False
    model_first: bool = False
    model_refused: bool = False
    model_checked: bool = False
    served_after_model: bool = False


@dataclass(frozen=True)
class Table:
    """All options of one release. `known` by every spelling; `positionals` in order.

    `checks` are conditions over the parsed options (`args.x`) that the release refuses, with what it says.
    """

    engine: str
    version: str
    options: tuple[Option, ...]
    positionals: tuple[Option, ...]
    style: Style
    known: dict[str, Option] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)

    def option(self, name: str) -> Option | None:
        """The option of this name or spelling."""
        return self.known.get(name)


@rows.kept(8)
def table(engine: str, version: str, *, serve: bool = False) -> Table | None:
    """The options of a release (`serve`: as the subcommand `serve` has them); None where the data does not cover it."""
    row = rows.row(engine, version, "flags", "flags.serve", "parser", "kv_cache", "settings", "checks.parsed")
    if row is None or not row.get("flags"):
        return None
    flags = {**row["flags"], **(row.get("flags.serve", {}) if serve else {})}
    parser = row.get("parser", {})
    words = _policies(row.get("kv_cache", {}))
    style = Style(**{f.name: bool(parser.get(f.name)) for f in fields(Style)})
    shapes = _shapes(row.get("settings", {}))
    made = [_option(name, flag, words, style) for name, flag in flags.items()]
    made = [replace(o, shapes=shapes) if o.settings else o for o in made]
    options = [o for o in made if o.spellings]
    options.append(Option("--help", HELP, nargs=0))
    positionals = sorted((o for o in made if not o.spellings), key=lambda o: o.nargs is not None)
    known = {s: o for o in options for s in o.spellings}
    return Table(engine, version, tuple(options), tuple(positionals), style, known, _checks(engine, version, row))


def _option(name: str, flag: dict[str, Any], words: tuple[str, ...], style: Style) -> Option:
    spellings = plainly = (name, *flag.get("aliases", ())) if name.startswith("-") else ()
    kind = _TYPES.get(flag.get("type", "str"), flag.get("type", "str"))
    kind = "lora" if name == "--lora-modules" else kind
    settings = flag.get("class") if kind in ("json object", "json", "lora") else None
    nargs = flag.get("nargs")
    if flag.get("switch") or (kind == "bool" and nargs is None and not flag.get("valued")):
        nargs = 0
    if flag.get("negatable"):
        plain = [s for s in spellings if s.startswith("--")]
        spellings += tuple(f"--no-{s[2:]}" for s in plain)
        spellings += tuple(i for s in plain if style.inverses and (i := _inverse(s)))
    choices = flag.get("choices")
    needed = bool(flag.get("required")) or (not spellings and nargs is None)
    return Option(
        name, spellings, kind if kind in _CHECKED else "any", nargs,
        tuple(choices) if choices is not None else None, needed,
        bool(flag.get("optional")), words if kind == "policy" else (), flag.get("exclusive"), flag.get("only"),
        bool(flag.get("refused")), flag.get("default"), "default" in flag,
        spellings[len(plainly) :], tuple(sorted(flag.get("bounds", {}).items())),
        settings, named=tuple(flag.get("named", ())),
    )  # fmt: skip


def _checks(engine: str, version: str, row: dict[str, Any]) -> dict[str, str]:
    """The conditions that the release refuses, read from its parser and from what makes its configuration."""
    rest = (r for r in refusals().together if r.engine == engine and holds_for(r.releases, version))
    return {**row.get("checks.parsed", {}), **{r.condition: r.says for r in rest}}


def _shapes(row: dict[str, Any]) -> Shapes:
    """The kind `settings`: `Class`, and `Class.key`."""
    keys: dict[str, dict[str, list[Any]]] = {name: {} for name in row if "." not in name}
    for name, shape in row.items():
        owner, dot, key = name.partition(".")
        if dot and owner in keys:
            keys[owner][key] = shape
    checks = {name: row[name].get("checks", {}) for name in keys}
    defaults = {name: row[name].get("defaults", {}) for name in keys}
    required = {name: tuple(row[name].get("required", ())) for name in keys}
    folded = frozenset(name for name in keys if row[name].get("hyphens"))
    return Shapes(keys, frozenset(name for name in keys if row[name].get("closed")), checks, defaults, required, folded)


def _inverse(name: str) -> str | None:
    for one, other in (("--enable-", "--disable-"), ("--disable-", "--enable-")):
        if name.startswith(one):
            return other + name.removeprefix(one)
    return None


def _policies(kv_cache: dict[str, Any]) -> tuple[str, ...]:
    """The words for a KV cache policy: its names in small letters, its numbers, and the long name of FP8."""
    names = [n.lower() for n in kv_cache.values() if isinstance(n, str)]
    more = ["fp8_e4m3"] if "fp8" in names else []
    return (*names, *more, *kv_cache)
