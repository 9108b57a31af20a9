"""From the options of `fleet` to its question: the nodes, the way to them, and the words for doctor on each."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from doctor.fleet.places import Asking, How

_WAYS = ("nodes_file", "hosts", "ray", "kubectl", "slurm")
_PASSED = ("python", "python_version", "platform", "root", "model", "gpu", "driver")


def asking(options: dict[str, Any]) -> Asking:
    """From the options of the command line. Raises click.UsageError."""
    files, launch = _split(options.pop("words"))
    ways = [n for n in _WAYS if options[n]]
    if not ways and not files and os.environ.get("RAY_ADDRESS"):
        options["ray"], ways = "auto", ["ray"]
    if len(ways) + bool(files) != 1:
        raise click.UsageError("name the nodes once: facts files, --nodes, --hosts, --ray, --kubectl or --slurm")
    if options["through"] and not {"nodes_file", "hosts"} & set(ways):
        raise click.UsageError("`--through` requires `--nodes` or `--hosts`")
    words = [w for n in _PASSED if options.get(n) for w in (f"--{n.replace('_', '-')}", str(options[n]))]
    for name, values in (("--path", options["paths"]), ("--requirements", options["requirements"])):
        words += [w for value in values for w in (name, value)]
    words += ["--image", options["image"]] if options["image"] else []
    return Asking(
        files=files, launch=launch, words=tuple(words), nodes_file=options["nodes_file"],
        hosts=tuple(h.strip() for h in (options["hosts"] or "").split(",") if h.strip()), through=options["through"],
        ray=options["ray"], kubectl=options["kubectl"], slurm=options["slurm"],
        python=options["node_python"] or options["python"],
        fan_out=options["fan_out"], collecting=options["timeout"], port=options["port"],
    )  # fmt: skip


def starting(options: dict[str, Any]) -> tuple[Asking, How]:
    """As `asking`, with how the servers are started. Raises click.UsageError."""
    logs = ("--log-dir", options["log_dir"]) if options["log_dir"] else ()
    how = How(("--no-check", *logs), options["grace"], options["patience"])
    asked = asking(options)
    if asked.files or asked.ray:
        raise click.UsageError("`fleet run` needs --nodes, --hosts, --kubectl or --slurm; not --ray")
    if not asked.launch:
        raise click.UsageError("missing command to start; give one after `--`")
    return asked, how


def _split(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Facts files, then the launch: click has taken the `--` between them off, so that its place is looked up."""
    given = sys.argv
    if "--" in given:
        launch = tuple(given[given.index("--") + 1 :])
        if words[len(words) - len(launch) :] == launch:
            return words[: len(words) - len(launch)], launch
    if all(w.endswith(".json") for w in words):
        return words, ()
    return (), words
