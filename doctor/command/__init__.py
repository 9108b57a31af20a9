"""Options of a launch command against the options that a release has. Pure: the data and the words, nothing else."""
