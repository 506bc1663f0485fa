"""Readers given bytes that nobody meant for them."""
