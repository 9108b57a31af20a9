"""Readiness while the loop runs: the line to print when the server is up, or why it does not count as up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.launch.listening import recognize
from doctor.run.ready import ANSWERS, Ready, Target
from doctor.run.story import endings
from doctor.run.watch import nvml

if TYPE_CHECKING:
    from doctor.run.prepare import Options
    from doctor.run.watch.samples import Sampler
    from doctor.run.watch.tree import Tree

GROWTH = 64 << 20
News = tuple[str, str, dict[str, object]]


def target_of(options: Options) -> Target | None:
    """What `--ready` means for this command; None for `auto` with a command that we do not know. Raises ValueError."""
    if options.ready and options.ready != "auto":
        return Target.of_url(options.ready)
    server = recognize(options.argv)
    return Target.of_server(server) if server else None


class Waiting:
    """Waits in a thread of its own; `news()` gives what is to be told, once."""

    def __init__(self, options: Options, tree: Tree, sampler: Sampler) -> None:
        self._options, self._tree, self._sampler = options, tree, sampler
        self._told = self._stopped = False
        self._target = target_of(options)
        self._ready: Ready | None = None
        if self._target:
            self._ready = Ready(self._target, options.ready_timeout, lambda: not self._stopped, self._gpu_missing)
            self._ready.start()

    def stop(self) -> None:
        """Nobody waits any more."""
        self._stopped = True

    def news(self) -> News | None:
        """`ready`, `not_ready` or `failed` with its line and fields, or None while there is nothing new."""
        if self._told:
            return None
        if self._ready is None or self._target is None:
            self._told = True
            return "not_ready", "the port of this command is not known: readiness is not watched; give --ready URL", {}
        if self._ready.timed_out:
            self._told = True
            text = f"not ready after {endings.span(self._options.ready_timeout)} at {self._target.address}"
            return "not_ready", text, {"address": self._target.address}
        if self._ready.result is None:
            return None
        self._told = True
        if self._ready.objection:
            return "failed", self._ready.objection, {}
        return self._is_ready(self._target.address, self._ready.result, self._ready.after)

    def _is_ready(self, address: str, model: str, after: float) -> News:
        named = "answers" if model == ANSWERS else f"model {model}"
        text = f"ready at {address}, {named}, after {endings.span(after)}, {self._taken()}"
        return "ready", text, {"address": address, "model": model, "after_seconds": round(after, 2)}

    def _taken(self) -> str:
        latest, first = self._sampler.latest, self._sampler.first_gpu
        parts = [
            f"GPU {g}: {endings.size(max(0, used - first.get(g, 0)))}" for g, used in latest.get("gpu_used", {}).items()
        ]
        return ", ".join([*parts, f"{endings.size(latest.get('rss', 0))} of memory"])

    def _gpu_missing(self) -> str | None:
        """With `--require-gpu`: no process of the server holds GPU memory, so it runs somewhere else."""
        if not self._options.require_gpu:
            return None
        gpus = nvml.Gpus().open()
        pids = set(self._tree.living)
        if not len(gpus):
            return f"--require-gpu: no GPU can be seen ({gpus.why or 'NVML lists none'})"
        if pids & set(gpus.by_process()):
            return None
        first = self._sampler.first_gpu
        grown = any(used - first.get(g, used) > GROWTH for g, (used, _) in gpus.memory().items())
        if grown and any(nvml.has_device_open(pid) for pid in pids):
            return None  # NVML hides the pids of containers and of WSL
        return "--require-gpu: the server is ready, but none of its processes holds memory on a GPU"
