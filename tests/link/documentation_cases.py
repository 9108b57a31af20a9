"""Packages that write their docstrings as they are imported: what else that does has to be seen."""

_TABLE = "NAMES = {'a': 'A', 'b': 'B'}\ndef listed(indent):\n    lines = [f'{indent}{k}: {v}' for k, v in NAMES.items()]\n"
_LISTED = _TABLE + "    lines.append('end')\n    return '\\n'.join(lines)\n"
_WRITER = (
    "def documented(fn):\n    doc = fn.__doc__\n    if doc is None:\n        return fn\n    lines = doc.split('\\n')\n    i = 0\n"
    "    while i < len(lines) and 'Options' not in lines[i]:\n        i += 1\n    if i < len(lines):\n"
    "        lines[i] = listed('  ')\n        doc = '\\n'.join(lines)\n    else:\n        raise ValueError(fn)\n"
    "    fn.__doc__ = doc\n    return fn\n"
)

DOCUMENTATION_CASES: dict[str, dict[str, str]] = {
    "documentation_is_only_text": {
        "pkg/__init__.py": _LISTED + _WRITER,
        "pkg/a.py": "from pkg import documented\ndef f():\n    '''\n    Options\n    '''\ndocumented(f)",
        "pkg/b.py": "from pkg import documented, listed\nif listed('') == 'a: A\\nb: B\\nend':\n    import nowhere_a",
    },
    "documentation_of_a_large_table": {  # evaluated, it would be too complex
        "pkg/__init__.py": _LISTED.replace("{'a': 'A', 'b': 'B'}", "{str(i): str(i) for i in range(4000)}") + _WRITER,
        "pkg/a.py": "from pkg import documented\nfor i in range(300):\n    def f():\n        '''Options'''\n    documented(f)",
    },
    "documentation_imports": {
        "pkg/__init__.py": "def listed():\n    import nowhere_a\n    one = nowhere_a.x\n    return one\n",
        "pkg/a.py": "from pkg import listed\ndef wrap(fn):\n    text = listed()\n    text = text.strip()\n    fn.__doc__ = text\n    return fn\nwrap(print)",
        "pkg/b.py": "def wrap(fn):\n    text = 'text'\n    import nowhere_b\n    fn.__doc__ = text\n    return fn\nwrap(len)",
    },
    "documentation_counts": {
        "pkg/__init__.py": "seen = []\ncount = 0\ndef wrap(fn):\n    global count\n    count = 1\n    text = 'text'\n    seen.append(text)\n"
        "    known = seen\n    known.append('more')\n    try:\n        fn.__doc__ = text\n    except AttributeError:\n        pass\n    return fn\nwrap(len)",
        "pkg/a.py": "from pkg import count\nif count == 1:\n    import nowhere_a",
        "pkg/b.py": "from pkg import seen\nif len(seen) == 2:\n    import nowhere_a",
    },
    "documentation_by_a_function_that_registers": {
        "pkg/__init__.py": "known = {}\ndef note(name):\n    known[name] = True\n    text = f'{name}'\n    return text\n"
        "def wrap(fn):\n    text = note('one')\n    text = text.strip()\n    text = text + ' '\n    fn.__doc__ = text\n    return fn\ndef f():\n    pass\nwrap(f)",
        "pkg/a.py": "from pkg import known\nif 'one' in known:\n    import nowhere_a",
    },
}  # fmt: skip
