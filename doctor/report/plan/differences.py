"""What was changed in a part of the user's file, said in one line."""

from __future__ import annotations

from doctor.base.json_object import JsonObject


def changes(name: str, was: JsonObject, now: JsonObject) -> str:
    """The keys of `name` that are not as the user wrote them; empty where all are."""
    added = [_shown(k, v) for k, v in now.items() if k not in was]
    changed = [_shown(k, v) for k, v in now.items() if k in was and was[k] != v]
    gone = [f"`{k}`" for k in was if k not in now]
    said = ((added, "added"), (changed, "changed"), (gone, "removed"))
    told = "; ".join(f"{what} {', '.join(keys)}" for keys, what in said if keys)
    return f"In `{name}`: {told}." if told else ""


def _shown(key: str, value: object) -> str:
    plain = isinstance(value, (str, int)) and 0 < len(str(value)) < 40
    return f"`{key}: {value}`" if plain and "$" not in str(value) else f"`{key}`"
