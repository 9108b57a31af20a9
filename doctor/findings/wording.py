"""Actions in words: a template for each kind, and the values that it names."""

from __future__ import annotations

from doctor.findings import Action

MOVED = ("upgrade", "downgrade")


def wording(action: Action) -> tuple[str, dict[str, str]]:
    """The template of an action and its values; for a step by hand its own text, without values."""
    name, value = action.name or "", action.value
    if action.kind == "install":
        return _installing(action)
    if action.kind == "uninstall":
        return "uninstall {package}", {"package": action.package or ""}
    if action.kind == "set_env":
        return ("set `{name}={value}`", {"name": name, "value": value}) if value else ("unset `{name}`", {"name": name})
    if action.kind == "set_argument":
        return _argument(name, value)
    if action.kind == "use_engine":
        return "use {name}", {"name": (action.text or name).removeprefix("use ")}
    if action.kind in ("use_model", "use_image"):
        return f"use the {action.kind.removeprefix('use_')} `{{name}}`", {"name": name}
    return action.text or "", {}


def in_words(action: Action) -> str:
    """The action as a sentence in English."""
    template, values = wording(action)
    return template.format(**values) if values else template


def _installing(action: Action) -> tuple[str, dict[str, str]]:
    values = {"package": action.package or "", "specifier": action.specifier or ""}
    if action.direction in MOVED and action.specifier:
        return f"{action.direction} {{package}} to {{specifier}}", values
    return f"{action.direction or 'install'} {{package}}{{specifier}}", values


def _argument(name: str, value: str | None) -> tuple[str, dict[str, str]]:
    if value is None:
        return "remove `{name}`", {"name": name}
    if value.startswith("="):
        return "write `{value}` instead of `{name}`", {"name": name, "value": value[1:]}
    if name == "model_tag":
        return "name the model first: `{value}`", {"value": value}
    return ("use `{name} {value}`", {"name": name, "value": value}) if value else ("use `{name}`", {"name": name})

