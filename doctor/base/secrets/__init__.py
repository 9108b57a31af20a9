"""Secrets: what they look like, and how they are hidden from everything that is kept or printed.

`names`, `tokens` and `forms` say what is secret; `hide` puts asterisks in its place where a text is only shown,
`redactor` stable words where somebody has to see that two places hold the same secret.
"""
