"""`python -m doctor` is the same as `qvl-doctor`: the command line, behind a guard that is loaded before all else."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command line and ends with its status; Ctrl-C ends it with 130 from the first moment on."""
    try:
        _main()
    except KeyboardInterrupt:
        sys.exit(130)


def _main() -> None:
    try:
        from doctor.base.held import not_promised, put_back

        put_back()
        if (said := not_promised(os.environ, sys.platform)) is not None:
            sys.stderr.write(f"qvl-doctor: warning: {said}\n")
        from doctor.base.guard import guarded
    except MemoryError:
        sys.stderr.write("Error: not enough memory\n")
        sys.exit(3)
    sys.exit(guarded(_command))


def _command() -> None:
    if sys.argv[1:] == ["--version"]:  # asked by scripts before they start: half of a start is loading click
        from doctor import __version__

        sys.stdout.write(f"qvl-doctor, version {__version__}\n")
        return
    from doctor.cli import main as command

    command(prog_name="qvl-doctor")


if __name__ == "__main__":
    main()
