"""Signatures: envelopes (`dsse`), keys in files (`keys`), in an agent (`agent`), and whom to trust."""
