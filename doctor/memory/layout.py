"""A config.json of any generation as two plain sections: the language model and the vision tower, defaults filled in.

Flat (Qwen2-VL up to transformers 4.51), `text_config` (newer), `llm_config` (InternVLChat), `visual` (Qwen-VL of the
first generation). What config.json leaves out comes from the class's own defaults (`doctor.matrix.models.configs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from doctor.base.record import dataclass
from doctor.matrix.models.configs import ConfigClass, config_class

TEXT_KEYS = ("text_config", "llm_config", "language_config", "thinker_config")
VISION_KEYS = ("vision_config", "visual", "vision_tower_config", "vit_config")
LARGEST = 1 << 40
MINICPMV = {"2.5": "llama", "2.6": "qwen2", "4.0": "llama", "4": "llama", "4.5": "qwen3"}
# Classes whose code comes with the model, so that no transformers release has them. Their config.json files are whole.
REMOTE_VISION = {"internvl_chat": "intern_vit_6b", "qwen": "qwen_vl_vision", "minicpmv": "siglip_vision_model"}
REMOTE_DEFAULTS: dict[str, dict[str, Any]] = {
    # sglang 0.5.3, srt/configs/internvl.py: class InternVisionConfig
    "intern_vit_6b": {
        "num_channels": 3, "patch_size": 14, "image_size": 224, "qkv_bias": False, "hidden_size": 3200,
        "num_attention_heads": 25, "intermediate_size": 12800, "qk_normalization": True, "num_hidden_layers": 48,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a configuration: `type` is its model type, `given` what config.json says, `defaults` its class."""

    type: str
    given: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.given or self.defaults)

    def get(self, *names: str) -> Any:
        """The first of these keys that config.json gives, else the first that the class has; None where none does.

        A `null` in config.json is a value: the class's default does not take its place.
        """
        for name in names:
            if self.given.get(name) is not None:
                return self.given[name]
        asked = (n for n in names if n not in self.given and self.defaults.get(n) is not None)
        return self.defaults.get(next(asked, ""))

    def whole(self, *names: str, default: int = 0) -> int:
        """A non-negative whole number, `default` where there is none that makes sense (NaN, text, 10**30)."""
        found = self.get(*names)
        if isinstance(found, (list, tuple)) and found:
            found = found[0]
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            return default
        return int(found) if 0 <= found < LARGEST else default

    def real(self, *names: str, default: float = 0.0) -> float:
        """A number between 0 and 2**40, else `default`."""
        found = self.get(*names)
        usable = isinstance(found, (int, float)) and not isinstance(found, bool) and 0 <= found < LARGEST
        return float(found) if usable else default

    def on(self, *names: str, default: bool = False) -> bool:
        """A flag; `default` where it is not said."""
        found = self.get(*names)
        return found if isinstance(found, bool) else default


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole configuration: `outer` are the keys around the sections, `vision` is empty for a text-only model."""

    model_type: str
    outer: Section
    text: Section
    vision: Section
    dtype: str
    sources: tuple[str, ...] = ()

    @property
    def tied(self) -> bool:
        """Whether the head shares the embedding's weights; before transformers 5 the inner class decided too."""
        said = [s.given.get("tie_word_embeddings") for s in (self.outer, self.text)]
        written = self.outer.given.get("transformers_version")
        if isinstance(written, str) and written.startswith("5.") and isinstance(said[0], bool):
            return said[0]
        if any(isinstance(v, bool) for v in said):
            return True in said
        older = isinstance(written, str) and written.startswith("4.")
        for section in (self.text, self.outer) if older else (self.outer, self.text):
            if isinstance(section.defaults.get("tie_word_embeddings"), bool):
                return bool(section.defaults["tie_word_embeddings"])
        return False


def layout(config: Mapping[str, Any], model_type: str | None = None) -> Layout | None:
    """The sections of this config.json, None where it says nothing of a language model."""
    kind = model_type or config.get("model_type")
    kind = kind if isinstance(kind, str) else ""
    known = config_class(kind)
    text = _section(config, known, TEXT_KEYS)
    flat = text is None
    outer = Section(kind, config, known.defaults if known else {})
    if text is None:
        text = _flat(config, known, kind)
    thinker = config.get("thinker_config")
    inner = thinker if isinstance(thinker, dict) and not any(k in config for k in VISION_KEYS) else None
    vision = _section(config if inner is None else inner, known, VISION_KEYS)
    if vision is not None and kind in REMOTE_VISION and not vision.defaults:
        vision = _remote_vision(vision, kind)
    if flat and vision is None and not text.whole("num_hidden_layers", "n_layer"):
        return None
    return Layout(kind, outer, text, vision or Section(""), _dtype(outer, text), (known.source,) if known else ())


def _section(config: Mapping[str, Any], known: ConfigClass | None, keys: tuple[str, ...]) -> Section | None:
    """The inner configuration under one of these keys, with the defaults of the class that stands behind it."""
    key = next((k for k in keys if isinstance(config.get(k), dict)), None)
    sub = next((known.subs[k] for k in keys if k in known.subs), None) if known else None
    if key is None:
        if sub is None or (keys is TEXT_KEYS and isinstance(config.get("num_hidden_layers"), int)):
            return None
        inner = config_class(sub.type or "")
        return Section(sub.type or "", {}, {**(inner.defaults if inner else {}), **sub.init})
    given = config[key]
    for deeper in keys:  # Qwen-Omni keeps a text_config inside its thinker_config
        if isinstance(given.get(deeper), dict):
            given = given[deeper]
    named = given.get("model_type")
    named = named if isinstance(named, str) else ""
    kind = sub.type if sub and sub.type and not (sub.free and named) else named or (sub.type if sub else "") or ""
    inner = config_class(kind)
    return Section(kind, given, inner.defaults if inner else {})


def _flat(config: Mapping[str, Any], known: ConfigClass | None, kind: str) -> Section:
    if kind == "minicpmv":  # one class for several language models, told apart by a version
        return Section(MINICPMV.get(str(config.get("version")), "llama"), config)
    sub = known.subs.get("text_config") if known else None
    inner = config_class(sub.type) if sub and sub.type else known
    return Section(sub.type if sub and sub.type else kind, config, inner.defaults if inner else {})


def _remote_vision(vision: Section, kind: str) -> Section:
    named = REMOTE_VISION[kind]
    inner = config_class(named)
    return Section(named, vision.given, inner.defaults if inner else REMOTE_DEFAULTS.get(named, {}))


def _dtype(outer: Section, text: Section) -> str:
    for section in (outer, text):
        for name in ("dtype", "torch_dtype"):
            found = section.given.get(name)
            if isinstance(found, str):
                return found.removeprefix("torch.")
    return "bfloat16"
