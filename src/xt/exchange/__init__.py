"""Foreign formats: what other tools wrote, and what other tools read."""
