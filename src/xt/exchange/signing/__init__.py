"""Signatures: envelopes (`dsse`), keys in files (`keys`) and in an agent (`agent`), and whom to trust (`signers`)."""
