"""The values of xt: frozen, typed, no input or output. Names are those of `docs/design.md`."""
