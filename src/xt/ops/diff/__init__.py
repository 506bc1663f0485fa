"""Compare two runs: what was changed, what moved, and whether that is noise. `verb.compare` is the door."""
