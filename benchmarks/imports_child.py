"""Runs in an engine's own environment: imports each module as the first import of a process, and says what comes of it.

Usage: imports_child.py SECONDS [WARM...] < a JSON list of modules. Each is answered by one line as it is done, the JSON
pair of its name and null, or of its name and {"error", "import_error", "root"}.

Python imports the packages of a module before it, so a process that has imported those, and nothing else, is the one
in which the module's own import begins: it is forked for each of the package's modules. What does not survive a fork
(CUDA, threads) makes some modules fail here that load in a process of their own; whoever finds a difference asks again.
The modules WARM are imported after the top-level package: what most modules load is then loaded once. That is quicker
by far, and hides what only an import that comes first would meet: a circular import entered at another end.
"""

import importlib
import json
import os
import signal
import sys

WARM = sys.argv[2:]


def told(error):
    """The exception as JSON; `root` is the one that it follows from."""
    root = error
    for _ in range(20):
        root = root.__cause__ or (None if root.__suppress_context__ else root.__context__) or root
    text, first = (f"{type(one).__name__}: {one}"[:600] for one in (error, root))
    more = {"root": first} if root is not error else {}
    return {"error": text, "import_error": isinstance(error, ImportError), **more}


def attempt(name):
    """None where the module can be imported."""
    try:
        importlib.import_module(name)
    except BaseException as error:
        return told(error)
    return None


def say(out, name, outcome):
    """One line of the answer."""
    os.write(out, (json.dumps([name, outcome]) + "\n").encode())


def apart(out, name, seconds, work):
    """Calls `work` in a forked process; a process that dies or hangs is the outcome of `name`."""
    child = os.fork()
    if not child:
        try:
            signal.alarm(seconds)
            work()
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        say(out, name, {"error": f"Died: signal {os.WTERMSIG(status)}", "import_error": False})


def below(out, parent, modules, seconds):
    """Imports the modules below `parent`, which this process has imported; packages on the way first."""
    groups = {}
    for name in modules:
        depth = parent.count(".") + 1 if parent else 0
        groups.setdefault(".".join(name.split(".")[: depth + 1]), []).append(name)
    for name, members in groups.items():
        apart(out, name, seconds, lambda name=name, members=members: enter(out, name, members, seconds))


def enter(out, name, members, seconds):
    """Imports a module in this process, then what lies below it in others."""
    outcome = attempt(name)
    signal.alarm(0)
    if name in members:
        say(out, name, outcome)
    rest = [m for m in members if m != name]
    if outcome is None:
        for one in WARM if "." not in name else ():
            attempt(one)
        below(out, name, rest, seconds)
    else:
        for one in rest:
            say(out, one, outcome)


def main():
    """Reads the names, keeps the modules' own output apart from the answer."""
    modules = json.load(sys.stdin)
    out = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    below(out, "", modules, int(sys.argv[1]))


if __name__ == "__main__":
    main()
