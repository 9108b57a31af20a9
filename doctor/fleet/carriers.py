"""How a command comes to a node: the system's ssh, `kubectl exec`, `srun`, or any program that takes a command.

A carrier is words in front of a shell line; nothing of it is ours, so that keys, jump hosts and permissions are those
that the user has set up. Names of nodes are checked before they become words.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.text import one_line

MOST = 16384
LARGEST = 4 << 20
_NAME = late_pattern(r"(?:[A-Za-z0-9_][\w.-]{0,63}@)?[A-Za-z0-9_\[][\w.:%\[\]-]{0,252}")
SSH = ("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5",
       "-o", "ServerAliveCountMax=3", "-o", "LogLevel=ERROR")  # fmt: skip


class CarrierError(ValueError):
    """What the user has to change: a list of nodes, or a client that is missing; one sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node: our name for it, and the words that start a command there. `remote_shell`: they take one shell line.

    What ssh is given is read by the user's own shell there, which may be another than `sh`.
    """

    name: str
    words: tuple[str, ...]
    remote_shell: bool = False

    def command(self, line: str) -> tuple[str, ...]:
        """The words that run a line of `sh` there."""
        inner = ("sh", "-c", line)
        return (*self.words, shlex.join(inner)) if self.remote_shell else (*self.words, *inner)


def by_ssh(hosts: Sequence[str]) -> list[Place]:
    """`host`, `user@host`, `host:2222`, `[v6]:22`."""
    return [Place(name, _ssh(name), True) for name in _checked(hosts)]


def through(hosts: Sequence[str], program: str) -> list[Place]:
    """`docker exec -i {}`, `ip netns exec {}`: `{}` is the node's name, at the end where it is missing."""
    try:
        words = shlex.split(program)
    except ValueError as error:
        raise CarrierError(f"`--through` cannot be read: {error}") from None
    if not words:
        raise CarrierError("`--through` does not name a program")
    if not any("{}" in w for w in words):
        words.append("{}")
    return [Place(n, tuple(w.replace("{}", n) for w in words)) for n in _checked(hosts)]


def by_kubectl(selector: str, run: Callable[[Sequence[str]], bytes] | None = None) -> list[Place]:
    """The running pods of a label selector, `namespace/selector` for another namespace, in the order of their names."""
    space, slash, labels = selector.rpartition("/") if "/" in selector.split("=")[0] else ("", "", selector)
    where = ("-n", space) if slash else ()
    if labels.startswith("-") or space.startswith("-"):
        raise CarrierError(f"`{one_line(selector, 80)}` is not a label selector")
    asked = ("kubectl", "get", "pods", *where, "-l", labels, "--field-selector=status.phase=Running", "-o", "json")
    try:
        items = json.loads((run or client)(asked))["items"]
        names = [(i["metadata"]["name"], i["metadata"]["namespace"]) for i in items]
    except (ValueError, LookupError, TypeError):
        raise CarrierError("`kubectl get pods -o json` did not answer with a list of pods") from None
    checked = _checked(sorted(f"{n}" for n, _ in names))
    spaces = dict(names)
    return [Place(n, ("kubectl", "exec", "-i", "-n", spaces[n], n, "--")) for n in checked]


def by_slurm(job: str, run: Callable[[Sequence[str]], bytes] | None = None) -> list[Place]:
    """The nodes of a running job, or of a partition; in a partition `srun` waits until they are free."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", job):
        raise CarrierError(f"`{one_line(job, 80)}` is not the number of a job or the name of a partition")
    ask = run or client
    listed = ("squeue", "-h", "-j", job, "-o", "%N") if job.isdigit() else ("sinfo", "-h", "-p", job, "-o", "%N")
    nodes = one_line((ask(listed).decode("utf-8", "replace").split() or [""])[0], 4096)
    if not nodes or nodes.startswith("-"):
        raise CarrierError(f"Slurm does not name nodes for `{job}`")
    names = _checked(ask(("scontrol", "show", "hostnames", nodes)).decode("utf-8", "replace").split())
    inside = (f"--jobid={job}", "--overlap") if job.isdigit() else (f"--partition={job}",)
    one = ("--nodes=1", "--ntasks=1", "--quiet", "--unbuffered", "--input=all")
    return [Place(n, ("srun", *inside, *one, f"--nodelist={n}")) for n in names]


def listed(path: str) -> list[str]:
    """The nodes of a file: the first word of each line; `#` begins a comment, and `slots=8` is passed over."""
    from doctor.base.files import Files, Unreadable

    try:
        text = Files().read(str(Path(path)), LARGEST).decode("utf-8", "replace")
    except Unreadable as error:
        raise CarrierError(f"`{path}`, given as `--nodes`, {error}") from None
    names = [words[0] for line in text.splitlines() if (words := line.partition("#")[0].split())]
    return list(dict.fromkeys(names))


def client(words: Sequence[str], seconds: float = 60.0) -> bytes:
    """What a client program prints. Raises CarrierError."""
    try:
        done = subprocess.run(list(words), capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise CarrierError(f"`{words[0]}` cannot be started: {error.strerror or error}") from None
    except subprocess.TimeoutExpired:
        raise CarrierError(f"`{words[0]}` did not answer within {seconds:.0f} seconds") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CarrierError(f"`{words[0]}` failed: {one_line(said[-1] if said else f'status {done.returncode}', 200)}")
    return done.stdout[:LARGEST]


def _ssh(name: str) -> tuple[str, ...]:
    user, at, rest = name.rpartition("@")
    host, port = rest, None
    if rest.startswith("["):
        host, _, tail = rest[1:].partition("]")
        port = tail.removeprefix(":") or None
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    if port is not None and not (port.isdigit() and 0 < int(port) < 65536):
        raise CarrierError(f"`{name}`: `{one_line(port, 20)}` is not a port")
    return (*SSH, *(("-p", port) if port else ()), "--", f"{user}{at}{host}")


def _checked(names: Sequence[str]) -> list[str]:
    """The names in their order. Raises CarrierError for one that could be taken for an option or a command."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise CarrierError(f"`{one_line(name, 80)}` is not the name of a node")
    if not names:
        raise CarrierError("no nodes are named")
    if len(names) > MOST:
        raise CarrierError(f"{len(names)} nodes are named, and {MOST} are the most")
    if len(set(names)) < len(names):
        twice = next(n for n in names if list(names).count(n) > 1)
        raise CarrierError(f"the node `{twice}` is named twice")
    return list(names)
