"""Many that use one store: at the same time, from several hosts, in any order."""
