"""The model that the launch names, as its config.json tells it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Quantization:
    """How the weights are stored: `method` as written there (`gptq`), `settings` the plain values beside it."""

    method: str
    settings: dict[str, bool | int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """What decides which engine can serve it. `path` is its folder, `remote_code` the classes of its own code.

    `remote_code` are the keys of `auto_map`: with `AutoConfig` among them, transformers need not know `model_type`.
    """

    path: str
    architectures: tuple[str, ...] = ()
    model_type: str | None = None
    quantization: Quantization | None = None
    remote_code: tuple[str, ...] = ()
