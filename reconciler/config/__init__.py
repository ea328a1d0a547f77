"""Reads settings and desired state from files and environment variables, with positions."""
