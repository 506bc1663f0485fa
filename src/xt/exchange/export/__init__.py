"""One file for each format; see `xt.exchange`."""
