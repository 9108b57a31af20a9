"""The real import, in a child process of the target's own interpreter: nothing else of the patient is ever run.

`check --deep` asks for it (`each`: every module is tried, whatever became of the one before), and `fix --apply` proves
a new environment by it (`proof`: the first failure ends it). One child, `child`, does the work of both.
"""
