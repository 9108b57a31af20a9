"""Every option and argument that takes a file or a folder, and what may stand there instead of one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

LAUNCH = ("--", "vllm", "serve", "org/name")
# With {} for the path. A test of doctor holds that no option of a command with a metavar of a file is missing here.
PLACES: tuple[tuple[str, ...], ...] = (
    ("check", "--offline", "--python", "{}"),
    ("check", "--offline", "--path", "{}"),
    ("check", "--offline", "--root", "{}"),
    ("check", "--offline", "--requirements", "{}"),
    ("check", "--offline", "--compose", "{}"),
    ("check", "--offline", "--gateway", "{}", *LAUNCH),
    ("check", "--facts", "{}"),
    ("check", "--offline", "--model", "{}", *LAUNCH),
    ("check", "--offline", "--output", "{}", "--requirements", "good.txt"),
    ("check", "--offline", "--", "{}"),
    ("check", "--offline", "--", "{}", "serve", "x"),
    ("check", "--offline", "--", "bash", "{}"),
    ("check", "--offline", "--", "bash", "-c", ". {}; vllm serve x"),
    ("check", "--offline", "--", "python", "{}"),
    ("check", "--offline", "--", "vllm", "serve", "x", "--config", "{}"),
    ("check", "--offline", "--", "vllm", "serve", "{}"),
    ("check", "--offline", "--", "vllm", "serve", "x", "--chat-template", "{}"),
    ("check", "--offline", "--", "docker", "run", "--env-file", "{}", "vllm/vllm-openai:v0.11.0", "x"),
    ("check", "--offline", "--", "docker", "compose", "-f", "{}", "up"),
    ("fix", "--plan", "--offline", "--python", "{}"),
    ("fix", "--plan", "--offline", "--to", "{}", "--path", "site"),
    ("fix", "--plan", "--offline", "--find-links", "{}", "--path", "site"),
    ("fix", "--plan", "--facts", "{}", *LAUNCH),
    ("fix", "--plan", "--offline", "--requirements", "{}", *LAUNCH),
    ("link", "vllm", "--python", "{}"),
    ("link", "vllm", "--path", "{}"),
    ("facts", "--offline", "--requirements", "{}"),
    ("facts", "--offline", "--path", "site", "--output", "{}"),
    ("explain", "{}"),
    ("explain", "--facts", "{}", "good.log"),
    ("explain", "--log-dir", "{}", "last"),
    ("report", "{}"),
    ("report", "--log-dir", "{}", "last"),
    ("runs", "list", "--log-dir", "{}"),
    ("runs", "show", "{}"),
    ("runs", "follow", "{}"),
    ("runs", "prune", "--log-dir", "{}"),
    ("runs", "export", "{}"),
    ("run", "--log-dir", "{}", "--", "true"),
    ("run", "--", "{}"),
    ("matrix", "show", "vllm", "transformers", "--output", "{}"),
    ("matrix", "add", "lmdeploy", "--find-links", "{}", "--to", "to"),
    ("matrix", "add", "lmdeploy", "--installed", "{}", "--to", "to"),
    ("matrix", "verify", "lmdeploy", "--find-links", "{}", "--sample", "1"),
)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _folder(path: Path) -> None:
    path.mkdir()
    for number in range(3000):
        (path / f"{number}.log").touch()


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _closed(path: Path) -> None:
    path.write_text("x: 1\n")
    path.chmod(0)


MADE: dict[str, Callable[[Path], object]] = {
    "empty": lambda p: p.touch(),
    "fifo": lambda p: os.mkfifo(p),
    "socket": _socket,
    "folder": _folder,
    "loop": _loop,
    "sparse": _sparse,
    "one line of 100 MB": lambda p: p.write_bytes(b"a" * 100_000_000),
    "lines of 100 MB": lambda p: p.write_bytes(b"a: b\n" * 20_000_000),
    "mode 000": _closed,
    "NUL": lambda p: p.write_bytes(b"\0" * 5000),
    "not UTF-8": lambda p: p.write_bytes(b"a: \xff\xfe\xc0\n" * 50),
    "CRLF": lambda p: p.write_bytes(b"a: b\r\nvllm serve x\r\n"),
    "CR": lambda p: p.write_bytes(b"a: b\rvllm serve x\r"),
    "UTF-16": lambda p: p.write_bytes("a: b\nvllm serve x\n".encode("utf-16")),
    "UTF-16 without a mark": lambda p: p.write_bytes("a: b\nvllm serve x\n".encode("utf-16-le")),
    "byte order mark": lambda p: p.write_bytes(b"\xef\xbb\xbfvllm==0.11.0\n"),
    "an ELF program": lambda p: p.symlink_to("/bin/true"),
    "brackets": lambda p: p.write_bytes(b"[" * 900_000),
    "braces": lambda p: p.write_bytes(b'{"a":' * 200_000),
    "aliases": lambda p: p.write_bytes(_laughs()),
    "colons": lambda p: p.write_bytes(b"a: " * 100_000),
    "parentheses": lambda p: p.write_bytes(b"(" * 200_000),
    "substitutions": lambda p: p.write_bytes(b"$(" * 100_000),
    "a shebang without end": lambda p: p.write_bytes(b"#!/" + b"a/" * 500_000),
}
KNOWN = ("/dev/zero", "/dev/null", "/dev/tty", "/dev/stdin", "/dev/full", "/dev/urandom", "/proc/self/mem", "/proc/kmsg",
         "/proc/self/fd/0", "/proc/self/root", "/proc/self/cmdline", "/sys", "/", "", "-", ".", "..", "nowhere",
         "nowhere/file", "\0", "a\0b", "x" * 4096, "/x" * 3000, "new\nline", "bidi\u202etxt", "\udcff", "~", "*", "$(x)",
         "http://127.0.0.1:9/x", "file:///dev/zero", "C:\\x")  # fmt: skip


def _laughs() -> bytes:
    rows = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    rows += ["services:\n  s: {image: *a11, command: *a11, environment: *a11, model_list: *a11}", "dependencies: *a11"]
    return "\n".join(rows).encode()


def make(folder: Path) -> dict[str, str]:
    """Lays the files out in a folder: what is odd about it -> its path there, and the paths of the system."""
    out = {}
    for number, (name, maker) in enumerate(MADE.items()):
        path = folder / f"odd{number}"
        maker(path)
        out[name] = str(path)
    return out | {repr(name)[:40]: name for name in KNOWN}


def harmless(words: tuple[str, ...], path: str, folder: Path) -> bool:
    """Whether a path may stand there: what is written or run is only ever below our own folder."""
    writes = "--output" in words or words[:2] == ("runs", "prune") or words[:2] == ("run", "--log-dir")
    return not (writes or words[0] == "run") or path.startswith(str(folder)) or path in ("/dev/full", "/dev/null")
