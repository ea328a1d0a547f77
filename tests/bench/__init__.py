"""How many calls, how long, how much memory: measured against an emulator in a process of its own.

Run it by ``make bench``. Every figure has a lower bound or a floor from the same run beside it.
"""
