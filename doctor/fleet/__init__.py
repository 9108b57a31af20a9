"""Several machines that serve one model together: collecting on each, comparing, and starting on each."""
