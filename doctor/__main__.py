"""`python -m doctor` is the same as `qvl-doctor`."""

from doctor.cli import main

if __name__ == "__main__":
    main(prog_name="qvl-doctor")
