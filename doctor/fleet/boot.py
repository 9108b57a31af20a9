"""The shell line that starts doctor on a node that has none: the single file comes over stdin, into memory.

On Linux the file is a memory file of the process, so that nothing is ever on the node's disk; elsewhere it is in a
private temporary folder, which is removed when the process ends. The interpreter is started with `-I -S`: none of its
packages is loaded.
"""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Sequence

FOLDER = "QVL_DOCTOR_PRIVATE_FOLDER"
BOOT = r"""
import os, sys
words, size = sys.argv[1:], b""
os.write(1, b'\x1eqvl1 {"need": "file"}\n')
try:
    to = os.memfd_create("qvl-doctor", 0)
    path = "/proc/%d/fd/%d" % (os.getpid(), to)
    os.stat(path)
except (AttributeError, OSError):
    import atexit, shutil, tempfile
    folder = tempfile.mkdtemp(prefix="qvl-doctor-")
    os.environ["QVL_DOCTOR_PRIVATE_FOLDER"] = folder
    atexit.register(shutil.rmtree, folder, True)
    path = os.path.join(folder, "qvl-doctor.pyz")
    to = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
while len(size) < 12:
    part = os.read(0, 12 - len(size))
    if not part:
        sys.exit(98)
    size += part
left = int(size)
while left:
    part = os.read(0, min(left, 1 << 20))
    if not part:
        sys.exit(98)
    left -= len(part)
    while part:
        part = part[os.write(to, part):]
import runpy
sys.argv = ["qvl-doctor"] + words
runpy.run_path(path, run_name="__main__")
""".strip()
PYTHONS = ("python3", "python", "/usr/bin/python3", "/usr/libexec/platform-python")
NEEDED = "import sys; sys.exit(sys.version_info < (3, 10))"
NO_PYTHON = "\\036qvl1 {\"problem\": \"it has no Python 3.10 or newer; name one with --node-python\"}\\n"


def framed(file: bytes) -> bytes:
    """The single file as a node reads it: its size in 12 digits, then itself."""
    return b"%012d" % len(file) + file


def shell_line(words: Sequence[str], pythons: Sequence[str] = ()) -> str:
    """One line for `sh -c`: the first interpreter that is new enough reads `framed` bytes on stdin and runs `words`."""
    quoted = " ".join(shlex.quote(w) for w in words)
    names = " ".join(shlex.quote(p) for p in (*pythons, *PYTHONS))
    fits = f'command -v "$p" >/dev/null 2>&1 && "$p" -I -S -c {shlex.quote(NEEDED)} 2>/dev/null'
    begin = f"exec(__import__('base64').b64decode('{b64encode(BOOT.encode()).decode()}'))"  # no line break, no `!`
    start = f'exec "$p" -I -S -c {shlex.quote(begin)} {quoted}'
    return f"for p in {names}; do if {fits}; then {start}; fi; done; printf {shlex.quote(NO_PYTHON)}; exit 97"
