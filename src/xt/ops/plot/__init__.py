"""`xt plot`: metrics of runs as lines on axes."""
