"""Executors: how a command is started, watched and recorded."""
