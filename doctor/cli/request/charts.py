"""Helm charts that are named as a deployment: rendered by the user's own `helm`, where it is installed.

A template fills in text and runs no program. Nothing is downloaded: what a chart depends on has to be in it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from threading import Timer
from typing import IO

import click

from doctor.base.files import Files
from doctor.base.text import one_line

SECONDS = 60.0
MOST_MANIFESTS = 200  # of a folder
LARGEST = 512 << 10  # bytes of manifests, as many as are read of any file of a deployment


def is_chart(path: str) -> bool:
    """Whether a path is the folder of a chart, or a packed one."""
    return Path(path, "Chart.yaml").is_file() or (path.endswith(".tgz") and Path(path).is_file())


def manifests_of(path: str) -> tuple[str, ...]:
    """The manifests of a folder, as `kubectl apply -f FOLDER` takes them; anything else as it is.

    Raises click.UsageError for a folder without any.
    """
    if is_chart(path) or not Path(path).is_dir():
        return (path,)
    names = Files().few_names(path)
    found = [n for n in names if n.endswith((".yaml", ".yml", ".json")) and not n.startswith(("kustomization.", "."))]
    if not found:
        raise click.UsageError(f"`{one_line(path, 200)}` has no manifests (.yaml, .yml, .json)")
    if len(found) > MOST_MANIFESTS:
        raise click.UsageError(f"`{one_line(path, 200)}` has more than {MOST_MANIFESTS} manifests; name the files")
    return tuple(str(Path(path, name)) for name in found)


def rendered(files: tuple[str, ...], values: tuple[str, ...]) -> tuple[str, ...]:
    """The files, with what `helm template` prints in place of each chart. Raises click.UsageError.

    The texts are kept in a folder that goes with the command.
    """
    if not any(map(is_chart, files)):
        if values:
            raise click.UsageError("`--values` requires a Helm chart as `--deployment`")
        return files
    folder = tempfile.mkdtemp(prefix="qvl-doctor-")
    click.get_current_context().call_on_close(lambda: shutil.rmtree(folder, ignore_errors=True))
    return tuple(_file(f, values, Path(folder, str(n))) if is_chart(f) else f for n, f in enumerate(files))


def _file(chart: str, values: tuple[str, ...], folder: Path) -> str:
    """The file that holds a chart's manifests; it has the name of the chart's folder."""
    name = re.sub(r"[^a-z0-9-]+", "-", Path(chart).resolve().name.lower()).strip("-")[:50].strip("-") or "chart"
    folder.mkdir()
    out = folder / f"{name}.yaml"
    out.write_bytes(_manifests(chart, name, values))
    return str(out)


def _manifests(chart: str, name: str, values: tuple[str, ...]) -> bytes:
    shown = one_line(chart, 200)
    helm = shutil.which("helm")
    if helm is None:
        other = f"pass what `helm template {name} CHART` prints"
        raise click.UsageError(f"`{shown}` is a Helm chart, and `helm` is not installed here; {other}")
    words = [str(Path(helm).absolute()), "template", name, str(Path(chart).absolute())]
    words += [word for file in values for word in ("--values", str(Path(file).absolute()))]
    with tempfile.TemporaryFile() as said:
        try:
            data, status = _printed(words, said)
        except OSError as error:
            raise click.UsageError(f"`{one_line(helm, 200)}` cannot be started: {error.strerror or error}") from None
        said.seek(0)
        why = one_line(said.read(LARGEST).decode("utf-8", "replace"), 300)
    if len(data) > LARGEST:
        raise click.UsageError(f"`{shown}` renders to more than {LARGEST >> 10} KiB of manifests")
    if status != 0:
        late = f"it took longer than {SECONDS:.0f} seconds" if status < 0 else why or f"status {status}"
        raise click.UsageError(f"`helm template` cannot render `{shown}`: {late}")
    return data


def _printed(words: list[str], said: IO[bytes]) -> tuple[bytes, int]:
    """What a program prints, no more than one byte over the limit, and its status; negative where it took too long."""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said) as child:
        clock = Timer(SECONDS, child.kill)
        clock.start()
        try:
            assert child.stdout is not None
            data = child.stdout.read(LARGEST + 1)
            if len(data) > LARGEST:
                child.kill()
            return data, child.wait()
        finally:
            clock.cancel()
