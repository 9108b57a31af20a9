"""The readers themselves, called many times in one process: what each may raise, and nothing else."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import select
import signal
import struct
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

from fuzzing import seeds, spoil, trial

MANY = 60  # inputs a process
Reader = Callable[[bytes, Path], object]


def _declared(name: str, option: str = "requirements") -> Reader:
    def read(data: bytes, folder: Path) -> object:
        from doctor.collect.declared.declaration import read_declaration
        from doctor.collect.declared.request import DeclaredRequest
        from doctor.collect.python.target import TargetError

        (folder / name).write_bytes(data)
        named = DeclaredRequest((name,)) if option == "requirements" else DeclaredRequest(compose=name)
        with contextlib.suppress(TargetError):
            return read_declaration(named, {"A": "b"}, str(folder))
        return None

    return read


def _gateway(data: bytes, folder: Path) -> object:
    from doctor.collect.declared.gateway import read_gateway

    (folder / "g.yml").write_bytes(data)
    return read_gateway(str(folder / "g.yml"))


def _script(data: bytes, folder: Path) -> object:
    from doctor.launch.read import read_launch

    (folder / "s.sh").write_bytes(data)
    return read_launch(("bash", "s.sh", "a", "b"), {"PATH": "/usr/bin"}, str(folder))


def _shell_words(data: bytes, folder: Path) -> object:
    from doctor.launch.read import read_launch

    return read_launch(("sh", "-c", data.decode("utf-8", "surrogateescape").replace("\0", "")), {}, str(folder))


def _words(data: bytes, folder: Path) -> object:
    from doctor.launch.asked import asked
    from doctor.launch.read import commands_of, read_launch

    words = tuple(data.decode("utf-8", "surrogateescape").replace("\0", "").split("|"))
    launch = read_launch(words, {}, str(folder))
    return asked(launch, "0.11.0"), commands_of(words, {}, str(folder))


def _elf(data: bytes, folder: Path) -> object:
    from doctor.collect.native.dynamic_section import DynamicSection
    from doctor.collect.native.elf import Elf, ElfError
    from doctor.collect.native.elf_dynamic import Dynamic
    from doctor.collect.native.fatbin import gpu_code, recorded_archs

    for ask in (
        lambda e: gpu_code(e), lambda e: recorded_archs(e), lambda e: DynamicSection(e).version_needs,
        lambda e: DynamicSection(e).versions, lambda e: Dynamic(e).lacking(Dynamic(e).references),
        lambda e: Dynamic(e).bound, lambda e: DynamicSection(e).mentions(b"lib"), lambda e: Dynamic(e).exports(b"x", None),
    ):  # fmt: skip
        with contextlib.suppress(ElfError):
            ask(Elf(data, "x"))
    return None


def _loader_cache(data: bytes, folder: Path) -> object:
    from doctor.collect.native.loader_cache import read_cache

    return read_cache(data, 62)


def _suppressed(error: type[Exception], read: Callable[[bytes], object], data: bytes) -> object:
    with contextlib.suppress(error):
        return read(data)
    return None


def _metadata(data: bytes, folder: Path) -> object:
    from doctor.collect.packages import metadata
    from doctor.collect.packages.record_file import Record

    text = data.decode("utf-8", "replace")
    record = Record(data)
    return (
        _suppressed(metadata.BadMetadata, metadata.parse_metadata, data), metadata.parse_requires_txt(text), metadata.parse_entry_points(text),
        metadata.parse_direct_url(data), metadata.parse_tags(text), record.entries(), record.top_level,
        record.outside("/a/lib/python3.11/site-packages", "/a"), record.lists("x"),
    )  # fmt: skip


def _model(name: str) -> Reader:
    def read(data: bytes, folder: Path) -> object:
        from doctor.base.files import Files
        from doctor.collect.model.place import Folder
        from doctor.collect.model.reading import read_model

        if name != "config.json":
            (folder / "config.json").write_text(json.dumps(seeds.CONFIG))
        for other in folder.iterdir():
            if other.name not in ("config.json", name):
                other.unlink()
        (folder / name).write_bytes(data)
        return read_model(Folder(Files(None), str(folder), "folder", ()), "m", use_cache=False)

    return read


def _reported(data: bytes, folder: Path) -> object:
    from doctor.collect.declared.reported import reported

    return reported(data.decode("utf-8", "replace"), "issue.txt")


def _listing(data: bytes, folder: Path) -> object:
    from doctor.collect.model.hub.listing import Refused, listing

    return _suppressed(Refused, listing, data)


def _page(data: bytes, folder: Path) -> object:
    from doctor.remote.errors import IndexUnavailable
    from doctor.remote.index import parse_page

    with contextlib.suppress(IndexUnavailable):
        return parse_page(data.decode("utf-8", "replace"), "http://127.0.0.1/simple/x/", "x")
    return None


def _wheel(data: bytes, folder: Path) -> object:
    from doctor.matrix.extract.files import LayoutError
    from doctor.matrix.extract.metadata import metadata_facts
    from doctor.matrix.extract.package_names import importable
    from doctor.remote.errors import WheelError
    from doctor.remote.source import ZipSource

    with contextlib.suppress(WheelError, LayoutError):
        source = ZipSource(io.BytesIO(data), "x-1.0-py3-none-any.whl", None)
        return importable(source, ("x",)), metadata_facts(source, "x 1.0")
    return None


def _log(data: bytes, folder: Path) -> object:
    from doctor.explain import explain_log

    return explain_log(io.BytesIO(data))


def _facts(data: bytes, folder: Path) -> object:
    from doctor.facts import Facts
    from doctor.facts.codec import FactsError, facts_from_json, to_json
    from doctor.rules import RULES
    from doctor.rules.engine import evaluate

    try:
        facts = facts_from_json(json.loads(data))
    except (FactsError, ValueError, RecursionError):
        return None
    assert isinstance(facts, Facts)
    broken = [r for r in evaluate(facts, RULES) if r.status == "broken"]
    assert not broken, f"{broken[0].code} is broken: {broken[0].reason}"
    return json.dumps(to_json(facts))


def _python(data: bytes, folder: Path) -> object:
    from doctor.base.files import Unreadable
    from doctor.base.syntax import Unparsable, parse
    from doctor.collect.model.code.acts import acts_of
    from doctor.collect.model.code.imports import imports_of
    from doctor.collect.model.parsing import parsed

    with contextlib.suppress(Unparsable):
        parse(data)
    with contextlib.suppress(Unreadable):
        text, tree = parsed(data)
        return acts_of("x.py", text, tree), imports_of("x.py", text, tree)
    return None


def _run_folder(name: str) -> Reader:
    def read(data: bytes, folder: Path) -> object:
        from doctor.run.story import history, postmortem

        (folder / "r").mkdir(exist_ok=True)
        (folder / "r" / "meta.json").write_text(json.dumps(seeds.META))
        (folder / "r" / "server.log").write_bytes(seeds.LOGS[0])
        (folder / "r" / name).write_bytes(data)
        return history.runs(str(folder)), postmortem.rebuild(folder / "r")

    return read


def _redacted(data: bytes, folder: Path) -> object:
    from doctor.base.secrets.hide import redact_text

    return redact_text(data.decode("utf-8", "replace"))


def _made_wheel() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("x/__init__.py", "import os\n__all__ = ['a']\na = 1\n")
        wheel.writestr("x/y.py", "from x import a as b\n")
        wheel.writestr("x-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: x\nVersion: 1.0\nRequires-Dist: y (>=1)\n")
        wheel.writestr("x-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("x-1.0.dist-info/RECORD", "x/__init__.py,sha256=abc,3\n")
    return out.getvalue()


def _listed() -> bytes:
    files = [
        {"rfilename": "config.json", "size": 20, "blobId": "a" * 40},
        {"rfilename": "m/model.safetensors", "size": 1 << 33, "lfs": {"sha256": "b" * 64, "size": 1 << 33}},
    ]
    return json.dumps({"sha": "c" * 40, "siblings": files, "gated": False}).encode()


PAGE = b"""<!DOCTYPE html><html><head><base href="../files/"></head><body>
<a href="x-1.0-py3-none-any.whl#sha256=%s" data-requires-python="&gt;=3.9" data-yanked="">x-1.0-py3-none-any.whl</a>
<a href="http://h/x-1.0.post1-cp311-cp311-manylinux_2_17_x86_64.whl" data-core-metadata="sha256=%s">x</a></body></html>
""" % (b"d" * 64, b"e" * 64)


def _report() -> bytes:
    return json.dumps({"schema": 1, "outcome": "failed", "exit_code": 1, "signal": None, "cause": {"kind": "signal", "evidence": ["x"]},
                       "findings": [{"code": "RUN001", "name": "x", "severity": "error", "message": "m"}], "duration": 1.5}).encode()  # fmt: skip


READERS: dict[str, tuple[Reader, tuple[bytes, ...]]] = {
    "requirements.txt": (_declared("requirements.txt"), seeds.REQUIREMENTS),
    "Dockerfile": (_declared("Dockerfile"), (seeds.DOCKERFILE,)),
    "pyproject.toml": (_declared("pyproject.toml"), seeds.TOMLS),
    "uv.lock": (_declared("uv.lock"), seeds.LOCK),
    "pylock.toml": (_declared("pylock.toml"), seeds.PYLOCK),
    "environment.yml": (_declared("environment.yml"), seeds.CONDA),
    "compose": (_declared("compose.yml", "compose"), (seeds.COMPOSE,)),
    "gateway": (_gateway, seeds.GATEWAYS),
    "script": (_script, seeds.SCRIPTS),
    "sh -c": (_shell_words, tuple(line.encode() for text in seeds.SCRIPTS for line in text.decode().splitlines()[1:])),
    "words": (_words, tuple("|".join(line).encode() for line in seeds.WORDS)),
    "ELF": (_elf, ()),
    "ld.so.cache": (_loader_cache, (b"glibc-ld.so.cache1.1" + struct.pack("<II", 1, 10) + b"\0" * 20 + struct.pack("<iIIIQ", 1, 48, 58, 0, 0) + b"libx.so.1\0/lib/libx\0",)),
    "METADATA": (_metadata, (*seeds.METADATA, *seeds.RECORD)),
    "config.json": (_model("config.json"), (json.dumps(seeds.CONFIG).encode(),)),
    "safetensors": (_model("model.safetensors"), ()),
    "index": (_model("model.safetensors.index.json"), (json.dumps(seeds.INDEX).encode(),)),
    "gguf": (_model("model.gguf"), ()),
    "model code": (_model("modeling_x.py"), (seeds.PYTHON,)),
    "Python": (_python, (seeds.PYTHON,)),
    "report": (_reported, seeds.REPORTS),
    "hub listing": (_listing, (_listed(),)),
    "index page": (_page, (PAGE,)),
    "wheel": (_wheel, (_made_wheel(),)),
    "log": (_log, seeds.LOGS),
    "facts": (_facts, (json.dumps(seeds.FACTS).encode(),)),
    "meta.json": (_run_folder("meta.json"), (json.dumps(seeds.META).encode(),)),
    "report.json": (_run_folder("report.json"), (_report(),)),
    "a run's log": (_run_folder("server.log"), seeds.LOGS),
    "events": (_run_folder("events.jsonl"), (b'{"event": "started", "at": 1.0, "pid": 3}\n{"event": "ended", "at": 2, "status": 256}\n',)),
    "secrets": (_redacted, (b"HF_TOKEN=hf_abcdefghijklmnopqrst curl -u a:b http://u:p@h/x\nPGPASSWORD: |\n  x\n{\"SecretAccessKey\": \"x\"}\n",)),
}  # fmt: skip


def sound_of(name: str) -> tuple[bytes, ...]:
    """The sound inputs of a reader."""
    given = READERS[name][1]
    return given or next(r.sound for r in seeds.readers() if r.name == name)


def input_of(name: str, number: int, seed: int) -> bytes:
    """Input `number` of a seed for one reader."""
    source = random.Random(f"{seed}:{name}:{number}")
    return spoil.spoiled(source.choice(sound_of(name)), source)


def try_many(name: str, first: int, seed: int) -> tuple[int, str]:
    """Gives inputs from `first` on to a reader, in one process: how many it took, and what was wrong with the last."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        _be_reader(name, first, seed, into)
    os.close(into)
    told, fault = b"", ""
    while select.select([out], [], [], trial.STUCK)[0]:
        block = os.read(out, 1 << 16)
        if not block:
            break
        told += block
    else:
        fault = f"stuck for {trial.STUCK:.0f} s"
        os.kill(child, signal.SIGKILL)
    os.close(out)
    lines = told.decode("utf-8", "replace").splitlines()
    done, fault = len(lines) + bool(fault), fault or (lines[-1] if lines else "")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not fault and status:
        done, fault = done + 1, f"ended with {status}"
    return done, fault


def _be_reader(name: str, first: int, seed: int, into: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (trial.CEILING, trial.CEILING))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    read = READERS[name][0]
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        for number in range(first, first + MANY):
            data = input_of(name, number, seed)
            began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            fault = ""
            try:
                read(data, Path(made))
            except BaseException as error:
                fault = _told(error)
            took, after = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if not fault and took > trial.SLOW / 4:  # the rest of a command takes its share
                fault = f"{took:.0f} s"
            if not fault and after > trial.LARGE >> 10 and after > before:
                fault = f"{after >> 10} MiB"
            os.write(into, f"{fault}\n".encode("utf-8", "replace"))
            if fault:
                break
    os._exit(0)


def _told(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/doctor/" in f.filename] or list(frames)
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]} ({place})"


def run(seconds: float, seed: int, only: list[str]) -> dict[str, str]:
    """All readers in turn until time is up: each kind of fault with the input that shows it, printed as it is found."""
    end, kinds = time.monotonic() + seconds, dict[str, str]()
    at = dict.fromkeys([n for n in READERS if not only or n in only], 0)
    while time.monotonic() < end:
        for name in at:
            done, fault = try_many(name, at[name], seed)
            at[name] += done
            if fault and f"{name}: {fault}" not in kinds:
                kinds[f"{name}: {fault}"] = shown = f"{name} #{at[name] - 1}"
                print(f"{shown}: {fault}", flush=True)
            if time.monotonic() > end:
                break
    print(f"seed {seed}: " + ", ".join(f"{name} {count}" for name, count in at.items()), file=sys.stderr)
    return kinds
