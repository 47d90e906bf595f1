"""The battery: what Glassbox promises to survive, tried many times over with a seed.

    python -m tests.battery [ROW ...] [--scale fast|full] [--seed N] [--report FILE.md] [--keep DIR]

A row is one kind of fault. Every trial either survives or is kept with what reproduces it.
"""
