"""Repeats that are made elsewhere, on an engine that is there already."""
