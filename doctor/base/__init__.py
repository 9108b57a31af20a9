"""What every room stands on: bounded files, syntax trees, secrets, text and frozen records."""
