"""The model that the launch names and the releases that the data lacks: read once, when the packages are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.facts import Distributions, Launch, Model, ReadRelease, Target, Unavailable
from doctor.pipeline.launch import engine_release

if TYPE_CHECKING:
    from doctor.pipeline.request import Request


class NamedModel:
    """What `request` and `launch` name, in one target."""

    def __init__(self, target: Target, launch: Launch | Unavailable, request: Request) -> None:
        self._target, self._launch, self._request = target, launch, request
        self._read: tuple[Model | Unavailable, tuple[ReadRelease, ...]] | None = None

    def read(self, distributions: Distributions | Unavailable) -> tuple[Model | Unavailable, tuple[ReadRelease, ...]]:
        """The model, and the installed releases of engines that the data does not cover."""
        if self._read is None:
            from doctor.collect.model import ModelRequest, launched_model
            from doctor.pipeline.own_releases import read_releases

            one, launch = self._request, self._launch
            releases = read_releases(self._target, distributions, launch, one)
            asked = ModelRequest(
                one.environ, one.model, one.target.root, one.online, one.use_cache, one.tell,
                engine_release(launch, distributions),
            )  # fmt: skip
            self._read = launched_model(launch, asked), releases
        return self._read

    def modules(self, distributions: Distributions) -> tuple[str, ...]:
        """The engine's modules that are imported when this model is loaded."""
        from doctor.pipeline.reach import modules_of_model

        model, releases = self.read(distributions)
        return modules_of_model(self._target, distributions, self._launch, model, releases, self._request.model)
