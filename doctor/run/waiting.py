"""Readiness while the loop runs: the line to print when the server is up, or why it does not count as up."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from doctor.findings.run import Ready
from doctor.launch.listening import recognize
from doctor.report.run.units import size, span
from doctor.run.ready import ANSWERS, Poller, Target
from doctor.run.start.ports import is_this_machine, stranger
from doctor.run.story.events import Failed, NotReady
from doctor.run.watch import nvml

if TYPE_CHECKING:
    from doctor.run.start.options import Options
    from doctor.run.watch.processes import ProcessTree
    from doctor.run.watch.samples import Sampler

GROWTH = 64 << 20
# their servers are children of somebody else
_ELSEWHERE = {"docker", "podman", "nerdctl", "kubectl", "ssh", "srun", "systemd-run", "systemctl", "ray", "sudo", "su"}
News = Ready | NotReady | Failed


def target_of(options: Options) -> Target | None:
    """What `--ready` means for this command; None for `auto` with a command that we do not know. Raises ValueError."""
    if options.ready and options.ready != "auto":
        return Target.of_url(options.ready)
    server = recognize(options.argv)
    return Target.of_server(server) if server else None


class Waiting:
    """Waits in a thread of its own; `news()` gives what there is to say, once."""

    def __init__(self, options: Options, tree: ProcessTree, sampler: Sampler) -> None:
        self._options, self._tree, self._sampler = options, tree, sampler
        self._said = self._stopped = False
        self._target = target_of(options)
        self._poller: Poller | None = None
        if self._target:
            self._poller = Poller(
                self._target, options.ready_timeout, lambda: not self._stopped, self._stranger, self._gpu_missing
            )
            self._poller.start()

    @property
    def api_key(self) -> str | None:
        """The key with which the server is asked."""
        return self._target.api_key if self._target else None

    @property
    def pending(self) -> bool:
        """Whether nothing has been said yet of a server that is waited for."""
        return self._target is not None and not self._said

    def stop(self) -> News | None:
        """The server has ended: nobody waits any more. What there is to say of one that never was ready."""
        found = self.news()
        self._stopped = True
        if found or self._said or self._target is None:
            return found
        text = f"the server ended before it was ready ({self._target.address}){self._other()}"
        return NotReady(self._tree.now(), text, self._target.address)

    def news(self) -> News | None:
        """What became of the waiting, or None while there is nothing new."""
        found = None if self._said else self._news()
        self._said = self._said or found is not None
        return found

    def _news(self) -> News | None:
        poller, target, now = self._poller, self._target, self._tree.now()
        if poller is None or target is None:
            text = "the port of this command is unknown, so readiness is not watched; use --ready URL"
            return NotReady(now, text)
        if poller.timed_out:
            text = f"not ready after {span(self._options.ready_timeout)} at {target.address}{self._other()}"
            return NotReady(now, text, target.address)
        if poller.result is None:
            return None
        if poller.objection:
            return Failed(now, poller.objection)
        named = "answers" if poller.result == ANSWERS else f"model {poller.result}"
        text = f"ready at {target.address}, {named}, after {span(poller.after)}, {self._taken()}"
        return Ready(now, text, target.address, poller.result, round(poller.after, 2))

    def _other(self) -> str:
        found = self._poller.stranger if self._poller else None
        return f": {found} answers there, which does not belong to this run" if found else ""

    def _taken(self) -> str:
        latest, first = self._sampler.latest, self._sampler.first_gpu
        used = latest.gpu_used or {}
        parts = [f"GPU {gpu}: {size(max(0, count - first.get(int(gpu), 0)))}" for gpu, count in used.items()]
        return ", ".join([*parts, f"{size(latest.rss)} of memory"])

    def _stranger(self, target: Target) -> str | None:
        """Who holds the port, where that is none of the server's processes and none that it starts elsewhere."""
        parts = urlsplit(target.address)
        elsewhere = any(word.rpartition("/")[2] in _ELSEWHERE for word in self._options.argv)
        if elsewhere or not is_this_machine(parts.hostname or ""):
            return None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return stranger(port, list(self._tree.living))

    def _gpu_missing(self) -> str | None:
        """With `--require-gpu`: no process of the server holds GPU memory, so it runs somewhere else."""
        if not self._options.require_gpu:
            return None
        gpus = nvml.Gpus().open()
        pids = set(self._tree.living)
        if not len(gpus):
            return f"--require-gpu: no GPU is visible ({gpus.why or 'NVML lists none'})"
        if pids & set(gpus.by_process()):
            return None
        first = self._sampler.first_gpu
        grown = any(used - first.get(g, used) > GROWTH for g, (used, _) in gpus.memory().items())
        if grown and any(nvml.has_device_open(pid) for pid in pids):
            return None  # NVML hides the pids of containers and of WSL
        return "--require-gpu: the server is ready, but none of its processes uses GPU memory"
