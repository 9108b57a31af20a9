"""Where a package refuses: its `raise`, `assert` and error records with a literal message, and on which condition."""
