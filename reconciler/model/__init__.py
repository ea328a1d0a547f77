"""Frozen values that all packages share; standard library only."""
