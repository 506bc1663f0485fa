"""Do a recorded run again: a clean workspace, its inputs, its variables, and an ordinary run in it."""
