"""Nothing that the server said is lost, whatever it did."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, ended, environment, wait_for

pytestmark = pytest.mark.system

DYING = """
import sys, os, ctypes
mode, way = sys.argv[1:3]
libc = ctypes.CDLL(None)
for i in range(100):
    print('LINE %03d' % i) if mode == 'python' else libc.printf(b'LINE %03d\\n', i)
sys.stdout.write('PARTIAL') if mode == 'python' else libc.printf(b'PARTIAL')
if way == 'exit': os._exit(3)
if way == 'segv': ctypes.string_at(0)
os.kill(os.getpid(), {'kill': 9, 'abort': 6, 'term': 15}[way])
"""
STATUS = {"exit": 3, "kill": 137, "abort": 134, "segv": 139, "term": 143}


@pytest.mark.parametrize("mode", ["python", "c"])
@pytest.mark.parametrize("way", list(STATUS))
def test_unflushed_output_survives_every_death(doctor: Doctor, mode: str, way: str) -> None:
    done = doctor.run([PYTHON, "-c", DYING, mode, way])
    assert done.returncode == STATUS[way]
    assert doctor.log.count(b"LINE") == 100
    assert doctor.log.count(b"PARTIAL") == 1
    assert done.stdout.count(b"LINE") == 100, "the terminal saw it too"
    if way in ("exit", "kill", "term"):
        assert doctor.report["log"]["ended_with_newline"] is False


def test_a_segfault_leaves_a_traceback(doctor: Doctor) -> None:
    done = doctor.run([PYTHON, "-c", "import ctypes\ndef load_weights(): ctypes.string_at(0)\nload_weights()"])
    assert done.returncode == 139
    assert b"Fatal Python error: Segmentation fault" in doctor.log
    assert doctor.report["signal_name"] == "SIGSEGV"
    assert any("in load_weights" in line for trace in doctor.report["traces"] for line in trace)


def test_the_text_of_a_cpp_exception_is_in_the_report(doctor: Doctor, compiled: Callable[..., Path]) -> None:
    source = (
        '#include <stdexcept>\nextern "C" void boom(){throw std::runtime_error("CUDA runtime error: out of memory");}'
    )
    library = compiled("boom.cc", source, ["-shared", "-fPIC"])
    done = doctor.run([PYTHON, "-c", f"import ctypes; ctypes.CDLL({str(library)!r}).boom()"])
    assert done.returncode == 134
    assert "CUDA runtime error: out of memory" in (doctor.folder / "report.txt").read_text()
    assert doctor.report["signal_name"] == "SIGABRT"


def test_a_native_program_is_line_buffered(doctor: Doctor, compiled: Callable[..., Path]) -> None:
    source = (
        '#include <stdio.h>\n#include <stdlib.h>\nint main(){for(int i=0;i<100;i++)printf("LINE %03d\\n",i);abort();}'
    )
    done = doctor.run([str(compiled("native.c", source, []))])
    assert done.returncode == 134
    said = doctor.beside + done.stdout.decode()
    assert doctor.log.count(b"LINE") == 100 or "incomplete" in said


@pytest.mark.parametrize("flags", [["-E"], ["-I"], ["-sE"]])
def test_a_python_that_ignores_our_variables_is_named(doctor: Doctor, flags: list[str]) -> None:
    done = doctor.run([PYTHON, *flags, "-c", "import os\nprint('x')\nos._exit(3)"])
    assert done.returncode == 3
    assert any("PYTHONUNBUFFERED" in w for w in doctor.report["warnings"])
    assert b"PYTHONUNBUFFERED" in done.stdout


def test_both_streams_keep_their_order(doctor: Doctor, tmp_path: Path) -> None:
    code = "import os\nfor i in range(20000): os.write(1 + i % 2, b'%08d\\n' % i)"
    with (tmp_path / "both").open("wb") as out:
        doctor.run([PYTHON, "-c", code], stdout=out, stderr=out)
    assert [int(x) for x in doctor.log.split()] == list(range(20000))


def test_streams_that_the_user_split_stay_split(doctor: Doctor) -> None:
    code = "import os; os.write(1, b'to out\\n'); os.write(2, b'to err\\n')"
    done = doctor.run([PYTHON, "-c", code], stderr=subprocess.PIPE)
    assert done.stdout == b"to out\n"
    assert b"to err\n" in done.stderr
    assert b"to out" not in done.stderr


def test_lines_of_logging_workers_are_whole(doctor: Doctor, tmp_path: Path) -> None:
    script = tmp_path / "workers.py"
    script.write_text(
        "import multiprocessing as mp, logging, sys\n"
        "def w(k):\n"
        "    logging.basicConfig(level=20, format='%(message)s', stream=sys.stderr)\n"
        "    for i in range(2000): logging.info(chr(65 + k) * 80)\n"
        "if __name__ == '__main__':\n"
        "    c = mp.get_context('spawn'); ps = [c.Process(target=w, args=(k,)) for k in range(4)]\n"
        "    [p.start() for p in ps]; [p.join() for p in ps]\n"
    )
    assert doctor.run([PYTHON, str(script)]).returncode == 0
    lines = doctor.log.splitlines()
    assert len(lines) == 8000
    assert all(len(line) == 80 and len(set(line)) == 1 for line in lines)


@pytest.mark.parametrize("streams", ["one", "two"])
def test_a_burst_is_complete_in_the_log_and_on_the_pipe(doctor: Doctor, streams: str) -> None:
    code = "import os\nb = (b'x' * 119 + b'\\n') * 546\nn = 0\nwhile n < 200_000_000: n += os.write(1, b)"
    done = doctor.run([PYTHON, "-c", code], stderr=subprocess.STDOUT if streams == "one" else subprocess.DEVNULL)
    assert len(doctor.log) == 200_023_200 // 65520 * 65520 or len(doctor.log) >= 200_000_000
    shown = done.stdout if streams == "two" else done.stdout[done.stdout.index(b"\nx") + 1 :]
    assert len(shown) == len(doctor.log)


def test_progress_bars_and_half_lines_are_there_at_once(doctor: Doctor) -> None:
    code = (
        "import sys, time\nfor i in range(40):\n    sys.stdout.write('\\rLoading %2d/40' % i); time.sleep(0.03)\n"
        "sys.stdout.write('half a line'); time.sleep(2)"
    )
    process = doctor.start([PYTHON, "-c", code])
    try:
        wait_for(lambda: doctor.base.exists() and doctor.log.endswith(b"half a line"), 8)
        assert process.poll() is None
        assert doctor.log.count(b"\r") == 40
    finally:
        assert ended(process) == 0


def test_bytes_that_are_no_text_stay_as_they_are(doctor: Doctor) -> None:
    code = "import os\nfor i in range(200): os.write(1, b'L%03d \\xff\\xfe\\x00 bad\\n' % i)"
    env = environment(PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    done = doctor.run([PYTHON, "-c", code], env=env)
    assert done.returncode == 0
    assert doctor.log == b"".join(b"L%03d \xff\xfe\x00 bad\n" % i for i in range(200))
    assert "\x00" not in doctor.beside


def test_a_line_of_100_megabytes(doctor: Doctor) -> None:
    code = "import os\nfor i in range(100): os.write(1, b'y' * 1_000_000)\nos.write(2, b'the end'); os._exit(4)"
    done = doctor.run([PYTHON, "-c", code], stdout=subprocess.DEVNULL)
    assert done.returncode == 4
    assert len(doctor.log) == 100_000_007
    assert (doctor.folder / "report.json").stat().st_size < 200_000
    assert doctor.report["tail"][-1].endswith("the end")


def test_escape_sequences_do_not_reach_the_report(doctor: Doctor) -> None:
    evil = "\\x1b]52;c;ZXZpbA==\\x07\\x1b[2J\\x9b31m\\u202e\\u200bdone\\x1b[6n"
    doctor.run([PYTHON, "-X", "utf8", "-c", f"print('{evil}')"])
    assert not [c for c in doctor.beside if ord(c) < 32 and c != "\n"]
    assert "\u202e" not in doctor.beside and "\x9b" not in doctor.beside
    shown = subprocess.run(
        [PYTHON, "-m", "doctor", "report", str(doctor.folder)], capture_output=True, env=environment()
    )
    assert b"done" in shown.stdout and b"\x1b" not in shown.stdout


def test_the_log_is_bounded_and_keeps_both_ends(doctor: Doctor) -> None:
    code = (
        "import os, time\nos.write(1, b'THE VERY BEGINNING\\n')\n"
        "for i in range(300):\n"
        "    os.write(1, b''.join(b'%012d %s\\n' % (i * 10000 + j, b'x' * 86) for j in range(10000)))\n"
        "    time.sleep(0.005)"
    )
    process = doctor.start([PYTHON, "-c", code], "--max-log", "32M")
    peak = 0
    while process.poll() is None:
        peak = max([peak, *(p.stat().st_blocks * 512 for p in doctor.base.glob("*/*.log"))])
        time.sleep(0.05)
    assert ended(process) == 0
    assert peak < 96 << 20
    assert doctor.log.startswith(b"THE VERY BEGINNING")
    assert doctor.log.endswith(b"%012d %s\n" % (2999999, b"x" * 86))
    assert doctor.report["log"]["head_dropped"] > 200_000_000
    assert doctor.report["tail"][-1].startswith("000002999999")
    assert "\\x00" not in doctor.beside


@pytest.mark.parametrize("reader", ["slow", "frozen", "gone"])
def test_a_terminal_that_does_not_read_harms_nobody(doctor: Doctor, tmp_path: Path, reader: str) -> None:
    side = tmp_path / "side"
    code = f"import os\nfor i in range(200): os.write(1, b'x' * 99999 + b'\\n')\nopen({str(side)!r}, 'w').write('D')"
    process = doctor.start([PYTHON, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout
    if reader == "gone":
        process.stdout.close()
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < 20:
        if reader == "slow":
            os.read(process.stdout.fileno(), 25000)
        time.sleep(0.05)
        if side.exists() and not side.stat().st_size:
            continue
    assert process.poll() == 0, "doctor ended by itself, with the server's status"
    assert side.stat().st_mtime - doctor.folder.stat().st_ctime < 6
    assert len(doctor.log) == 20_000_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_terminal_that_fails_ends_the_showing_only(doctor: Doctor) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        done = doctor.run([PYTHON, "-c", "print('kept'); raise SystemExit(6)"], stdout=full, stderr=full)
    assert done.returncode == 6
    assert doctor.log == b"kept\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams(doctor: Doctor, closed: str) -> None:
    code = "import os, sys; print(os.read(0, 5), os.fstat(0).st_rdev == os.stat('/dev/null').st_rdev); sys.exit(5)"
    command = subprocess.list2cmdline(doctor.command(["SERVER"])).replace("SERVER", f'{PYTHON} -c "$CODE"')
    done = subprocess.run(["sh", "-c", f"exec {command} {closed}"], env=environment(CODE=code), timeout=30)
    assert done.returncode == 5
    assert doctor.log == b"b'' True\n"


def test_python_itself_is_not_needed_by_the_server(doctor: Doctor) -> None:
    assert sys.platform == "linux"
    done = doctor.run(["sh", "-c", "echo a; echo b >&2; exit 9"])
    assert done.returncode == 9
    assert doctor.log == b"a\nb\n"
