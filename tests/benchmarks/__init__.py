"""What xt costs, beside what it is measured against: `python -m tests.benchmarks`.

Not tests: nothing here passes or fails by the clock of the machine it happens to run on, and pytest does
not collect it. `clock` measures, `world` makes projects, `cases` says what is measured and which figure is
wanted of it, `page` writes it down.
"""
