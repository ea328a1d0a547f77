"""Renders plans, reports, drift and problems in all output formats; pure."""
