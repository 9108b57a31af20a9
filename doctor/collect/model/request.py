"""How a model is to be looked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field

from doctor.base.record import dataclass


@dataclass(frozen=True)
class ModelRequest:
    """The model that the user `named`, if any, and where to look: below `root`, in the folders that `environ` names.

    `release` is that of the launch's engine, where it is known: it reads the command that names the model.
    `online`: what the user named is asked of the hub as well, and `tell` is told so before that waits.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    named: str | None = None
    root: str | None = None
    online: bool = False
    use_cache: bool = True
    tell: Callable[[str], None] | None = None
    release: str | None = None
