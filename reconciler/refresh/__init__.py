"""Reads the account: read strategy, reader and the state that planning needs."""
