"""One archive to attach to a bug report: the run's report, facts and log, with nobody's secrets in it.

Everything is redacted by one redactor, so that a word means the same in every file. What cannot be redacted is left
out. Raw files never go in.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from doctor.base.new_files import create_private
from doctor.base.secrets.known import known_values
from doctor.base.secrets.redactor import Redactor
from doctor.findings.run import RunReport
from doctor.report.run.text import run_text
from doctor.run.log.logfile import logs_of
from doctor.run.log.reading import read_ends
from doctor.run.story import postmortem, runfolder
from doctor.run.story.decode import report_from_json
from doctor.run.story.excerpt import decoded

HEAD, TAIL = 2 << 20, 6 << 20
_DATA = ("report.json", "meta.json", "facts.json", "findings.json", "memory.json")
_LINES = ("events.jsonl", "samples.jsonl")


def export(folder: Path, target: Path) -> list[str]:
    """Writes the bundle (`.tar.gz`, mode 0600, the run's id as its folder) and returns the names in it.

    Raises OSError.
    """
    redactor = postmortem.redactor_for(folder, tuple(known_values(os.environ, ())), private=True)
    postmortem.rebuild(folder)
    entries = list(_entries(folder, redactor))
    with (
        os.fdopen(create_private(target), "wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, text in entries:
            _add(archive, f"{folder.name}/{name}", text.encode("utf-8", "replace"))
    return [name for name, _ in entries]


def _entries(folder: Path, redactor: Redactor) -> Iterator[tuple[str, str]]:
    """Name and redacted text of each file; the report comes first, so that its words have the lowest numbers."""
    report: RunReport | None = None
    for name in _DATA:
        value = runfolder.load_any(folder / name)
        if not value or not isinstance(value, (dict, list)):
            continue
        if isinstance(value, dict):
            value.pop("redaction", None)  # fingerprints of secrets are for this machine only
        value = redactor.value(value)
        if name == "report.json" and isinstance(value, dict):
            report = report_from_json(value)
        yield name, runfolder.dump(value)
    if report:
        yield "report.txt", run_text(report)
    for name in _LINES:
        rows = list(runfolder.load_lines(folder / name))
        if rows:
            yield name, "".join(json.dumps(redactor.value(row)) + "\n" for row in rows)
    for path in logs_of(folder):
        yield path.name.removesuffix(".log") + ".txt", _log(path, redactor)


def _log(path: Path, redactor: Redactor) -> str:
    """The beginning and the end of a log. Where it is cut, the broken lines beside the cut are dropped: half a secret
    there would not be recognised."""
    head, last, middle = read_ends(path, HEAD, TAIL)
    if not middle:
        return _text(head + last, redactor)
    head, last = head[: head.rfind(b"\n") + 1], last[last.find(b"\n") + 1 :]
    return f"{_text(head, redactor)}[about {middle} bytes left out]\n{_text(last, redactor)}"


def _text(data: bytes, redactor: Redactor) -> str:
    return redactor.text(decoded(data))


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    archive.addfile(entry, io.BytesIO(data))
