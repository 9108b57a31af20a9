"""A launch command against the options that a release of its engine has."""
