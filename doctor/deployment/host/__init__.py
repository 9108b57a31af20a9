"""Forms that start a program on a machine: units, batch scripts, process lists, recipes."""
