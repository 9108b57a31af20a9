"""Whether a word is a value that an option takes, by the rules of the releases' own conversion functions."""

from __future__ import annotations

import json
import re
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import HIDDEN
from doctor.launch.shapes import Misfit, limits, within
from doctor.launch.table import Option

LONGEST = 1 << 16
OR_A_FILE = ", or name a file"
_SI = late_pattern(r"\d+(?:\.\d+)?[kMGT]|\d+[KMGT]i")
_QUOTED = late_pattern(r'("(?:[^"\\]|\\.)*")')
_SHORT = late_pattern(r"\b\d{1,20}(?:\.\d{1,20})?[kKmMgGtT]\b")
_READABLE = late_pattern(r"(\d+(?:\.\d+)?)([kKmMgGtT])")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a word is not taken: `kind` is type, range, choice, json, key, member or together.

    `wanted` says what would be taken.

    For a key of JSON settings that does not exist, or a member whose value does not fit, `path` has its keys with dots;
    `wanted` is the nearest key for the former. For keys that do not go together it is what the release says.
    """

    kind: str
    wanted: str
    path: str = ""
    value: str | None = None


def refusal(option: Option, word: str) -> Refusal | None:
    """Why the option's parser refuses the word; None where it takes it, or where that cannot be known."""
    # argparse takes `--x=--` for no value at all
    if computed(word) or len(word) > LONGEST or word in ("--", HIDDEN):
        return None
    if option.optional and word in ("", "None"):
        return None
    if option.named and word not in option.named and not re.search(r"[./\\]", word):
        return Refusal("choice", f"choose from {', '.join(option.named)}{OR_A_FILE}")
    if option.type == "policy":
        return None if _policy(option, word) else Refusal("choice", f"choose from {', '.join(option.words)}")
    try:
        value = converted(option.type, word)
    except (ValueError, RecursionError):
        return Refusal("json" if "json" in option.type or "=" in option.type else "type", _WANTED[option.type])
    if misfit := _misfit(option, value):
        kind = "together" if misfit.together else "key" if misfit.value is None else "member"
        return Refusal(kind, misfit.wanted, misfit.path, misfit.value)
    if option.bounds and isinstance(value, (int, float)) and not within(value, dict(option.bounds)):
        return Refusal("range", f"a number, {limits(dict(option.bounds))}")
    if option.choices is not None and not _chosen(option, value) and option.type != "any":
        return Refusal("choice", f"choose from {', '.join(str(c) for c in option.choices if c is not None)}")
    return None


def _misfit(option: Option, value: Any) -> Misfit | None:
    """What the settings class refuses first in an object."""
    if not option.settings or not option.shapes or not isinstance(value, dict):
        return None
    try:
        return next(iter(option.shapes.misfits(option.settings, value)), None)
    except RecursionError:  # nested as deeply as it can be read
        return None


def computed(word: str) -> bool:
    """Whether the word holds a part that only a shell at run time knows."""
    return "$(" in word or "`" in word or "${" in word


_WANTED = {
    "int": "an integer", "float": "a number", "json": "JSON", "json object": "a JSON object",
    "lora": "NAME=PATH, or a JSON object", "key=value": "KEY=VALUE pairs with integer values",
    "json or key=value": "JSON, or KEY=VALUE pairs with integer values", "text or json": "JSON, or text without braces",
    "SI int": "an integer such as 8192, 8k or 8Ki", "folded text": "text",
    "readable int": "an integer such as 8192, 8k or 8K", "true or false": "`true` or `false`",
    "readable int or auto": "an integer such as 8192, 8k or 8K, or `auto`",
}  # fmt: skip


def converted(kind: str, word: str) -> Any:
    """The value. Raises ValueError where the release's function would refuse the word."""
    if kind == "int":
        return int(word)
    if kind == "float":
        return float(word)
    if kind == "json":
        return json.loads(word)
    if kind == "json object" or (kind == "lora" and word and ("=" not in word or "," in word)):
        return _object(word)
    if kind == "key=value":
        return _pairs(word)
    if kind == "json or key=value":
        return _pairs(word) if not re.match(r"^{.*}$", word) else json.loads(word)
    if kind == "text or json":
        return json.loads(word) if re.match(r"(?s)^\s*{.*}\s*$", word) else word
    if kind == "readable int":
        return readable(word)
    if kind == "SI int":
        return word if _SI.fullmatch(word.strip()) else int(word)
    if kind == "text or none":
        return "" if word.lower() == "none" else word
    if kind == "folded text":
        return word.lower().replace("-", "_")
    if kind == "readable int or auto":
        return -1 if word.strip().lower() in ("auto", "-1") else readable(word)
    if kind == "true or false" and word.lower() not in ("true", "false"):
        raise ValueError(word)
    return word


def _object(word: str) -> Any:
    """A JSON object, as the parsers of settings classes want it."""
    parts = _QUOTED.split(word)
    parts[::2] = [_SHORT.sub(lambda found: str(readable(found[0])), part) for part in parts[::2]]
    found = json.loads("".join(parts))
    if not isinstance(found, dict):
        raise ValueError(word)
    return found


def _chosen(option: Option, value: Any) -> bool:
    """Whether the value is among the choices; of `--collect-detailed-traces` several with commas between are one."""
    choices = option.choices or ()
    parts = value.split(",") if isinstance(value, str) and option.name == "--collect-detailed-traces" else ()
    return value in choices or (len(parts) > 1 and all(p in choices for p in parts))


def _pairs(word: str) -> dict[str, int]:
    """vLLM's `nullable_kvs`: `image=3,video=0`."""
    out: dict[str, int] = {}
    for item in word.split(",") if word else ():
        parts = [p.strip() for p in item.split("=")]
        if len(parts) != 2 or parts[0].lower() in out:
            raise ValueError(item)
        out[parts[0].lower()] = int(parts[1])
    return out


def readable(word: str) -> int:
    """vLLM's `human_readable_int`: 1k is 1000, 1K is 1024; decimals only before small letters."""
    found = _READABLE.fullmatch(word.strip())
    if not found:
        return int(word)
    power = "kmgt".index(found[2].lower()) + 1
    return int(float(found[1]) * 1000**power) if found[2].islower() else int(found[1]) * 1024**power


def _policy(option: Option, word: str) -> bool:
    if not option.words or word.lower() in option.words:
        return True
    try:
        return str(int(word)) in option.words
    except ValueError:
        return False
