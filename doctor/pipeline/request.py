"""What the user asked, as one value that every step of the flow is handed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from doctor.base.record import dataclass
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.facts import Granted, Neighbors

if TYPE_CHECKING:
    from doctor.findings.settings import Settings
    from doctor.pipeline.baseline import Baseline

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Around:
    """The services of a deployment, and the variables of the gateway among them."""

    services: Neighbors
    gateway: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What the user asked: the target, the launch command, another machine's GPU and driver, and which rules.

    `online`: the hub may be asked about a model that is named and not on this disk, and `tell` says so. With
    `declared`, the target is not installed: its versions come from files, an image's tag and the data.
    `deep` runs the real imports in a child process of the target, `all_modules` judges all modules of the engine and
    not only those that the launch reaches. `granted` is what a scheduler gives the command;
    `unknown` are variables in it whose values are set elsewhere. `around` are the services of its deployment.
    `files` are those in which a launch of a deployment is written.
    `settings` say which configuration the question comes from, `baseline` which findings are known and do not count.
    """

    target: TargetRequest
    launch: tuple[str, ...] = ()
    model: str | None = None
    gpu: str | None = None
    driver: str | None = None
    gateway: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    use_cache: bool = True
    online: bool = False
    tell: Callable[[str], None] | None = None
    progress: Progress | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    declared: DeclaredRequest = field(default_factory=DeclaredRequest)
    deep: bool = False
    all_modules: bool = False
    granted: Granted | None = None
    unknown: frozenset[str] = frozenset()
    around: Around | None = None
    files: tuple[str, ...] = ()
    settings: Settings | None = None
    baseline: Baseline | None = None
