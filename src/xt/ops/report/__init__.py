"""`xt report`: everything about some runs on one page."""
