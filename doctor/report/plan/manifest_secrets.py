"""Kubernetes manifests of a user's without literal secrets: each is a key of one Secret that they make themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.base.late import late_pattern
from doctor.base.secrets.argv import arguments
from doctor.base.secrets.hide import redact_text
from doctor.base.secrets.names import is_secret_name
from doctor.report.plan import pods
from doctor.report.plan.masked import masked_words, option_of
from doctor.report.plan.objects import at, listed, pods_of
from doctor.report.plan.variables import Variables, without_secrets

_NAME = late_pattern(r"[A-Za-z_][A-Za-z0-9_]{0,80}")


class ManifestSecrets:
    """Takes secrets out. `variables` are the keys that the Secret needs, `left_out` tells what is gone.

    `moved` are variables that a ConfigMap set, by its name: who read them there gets them from the Secret.
    """

    def __init__(self) -> None:
        self.variables = Variables()
        self.left_out: list[str] = []
        self.moved: dict[str, dict[str, str]] = {}

    def outside(self, one: JsonObject) -> JsonObject:
        """An object without the annotations and the entries of a ConfigMap that hold a secret; all else unchanged."""
        shown = f"{one.get('kind')} {at(one, 'metadata').get('name')}"
        notes = at(at(one, "metadata"), "annotations")
        gone = [k for k, v in notes.items() if redact_text(str(v)) != str(v)]
        if gone:
            self.left_out.append(f"annotations of {shown}: {', '.join(map(str, gone))}")
            kept = {k: v for k, v in notes.items() if k not in gone}
            one = {**one, "metadata": {**at(one, "metadata"), "annotations": kept}}
        return self._settings(one, shown) if one.get("kind") == "ConfigMap" else one

    def _settings(self, one: JsonObject, shown: str) -> JsonObject:
        data = at(one, "data")
        secret = [k for k, v in data.items() if is_secret_name(str(k)) or redact_text(str(v)) != str(v)]
        if not secret:
            return one
        named = {str(k): self.variables(str(k), str(data[k])) for k in secret if _NAME.fullmatch(str(k))}
        self.moved[str(at(one, "metadata").get("name"))] = named
        rest = [str(k) for k in secret if str(k) not in named]
        if named:
            self.left_out.append(f"{', '.join(named)} of {shown}: now in the Secret {pods.KEYS}")
        if rest:
            self.left_out.append(f"{', '.join(rest)} of {shown}, which holds a secret: put it into a Secret of yours")
        return {**one, "data": {k: v for k, v in data.items() if k not in secret}}

    def inside(self, one: JsonObject, expected: dict[str, list[tuple[str, str]]]) -> None:
        """Changes the containers of an object; `expected` are the names for the values behind options, by container."""
        for spec in pods_of(one):
            for container in (*spec["containers"], *listed(spec.get("initContainers"))):
                if isinstance(container, dict):
                    self.variables.expect(expected.get(str(container.get("name")), ()))
                    self._of_words(container)
                    self.variables.expect(())
                    self._of_variables(container)
                    self._of_settings(container)

    def _of_variables(self, container: JsonObject) -> None:
        out: list[Any] = []
        for entry in listed(container.get("env")):
            name, value = (entry.get(k) for k in ("name", "value")) if isinstance(entry, dict) else (None, None)
            if not isinstance(name, str) or not isinstance(value, str) or not value or "$(" in value:
                out.append(self._elsewhere(entry))
            elif is_secret_name(name):
                out.append(pods.from_secret(name, key=self.variables(name, value)))
            else:
                wanted: list[str] = []
                text = without_secrets(value, name, lambda c, v: self._refer(c, v, wanted))  # noqa: B023
                out += [*_fresh(wanted, out), {**entry, "value": text}]
        if out:
            container["env"] = out

    def _elsewhere(self, entry: Any) -> Any:
        """An entry that takes its value from a ConfigMap which no longer has it."""
        if not isinstance(entry, dict):
            return entry
        told = at(at(entry, "valueFrom"), "configMapKeyRef")
        key = self.moved.get(str(told.get("name")), {}).get(str(told.get("key")))
        return pods.from_secret(str(entry.get("name")), key=key) if key else entry

    def _of_settings(self, container: JsonObject) -> None:
        """The variables that all keys of a ConfigMap were, of those that it no longer has."""
        known = {e.get("name") for e in listed(container.get("env")) if isinstance(e, dict)}
        for source in listed(container.get("envFrom")):
            name = str(at({"s": source}, "s").get("configMapRef", {}).get("name")) if isinstance(source, dict) else ""
            prefix = str(source.get("prefix") or "") if isinstance(source, dict) else ""
            more = [pods.from_secret(f"{prefix}{k}", key=v) for k, v in self.moved.get(name, {}).items()]
            fresh = [e for e in more if e["name"] not in known]
            if fresh:
                container["env"] = [*listed(container.get("env")), *fresh]

    def _of_words(self, container: JsonObject) -> None:
        for key in ("command", "args"):
            words = [w if isinstance(w, str) else str(w) for w in listed(container.get(key))]
            wanted: list[str] = []
            for number, one in enumerate(arguments(words)):
                if one.secret and "$" not in one.secret:
                    words[number] = f"{one.shown}{self._refer(option_of(one, words[:number]), one.secret, wanted)}"
            words = [masked_words(word, lambda c, v: self._refer(c, v, wanted)) for word in words]  # noqa: B023
            if wanted:
                env = listed(container.get("env"))
                container["env"] = [*_fresh(wanted, env), *env]
            if words:
                container[key] = words

    def _refer(self, called: str, value: str, wanted: list[str]) -> str:
        """The variable for a value, as Kubernetes puts it in."""
        wanted.append(self.variables(called, value))
        return f"$({wanted[-1]})"


def _fresh(wanted: Iterable[str], env: list[Any]) -> list[JsonObject]:
    """Entries for variables that the container does not have yet."""
    known = {e.get("name") for e in env if isinstance(e, dict)}
    return [pods.from_secret(n) for n in dict.fromkeys(wanted) if n not in known]
