"""Signatures: envelopes (`dsse`), keys in files (`keys`), in an agent (`agent`), and of others (`signers`)."""
