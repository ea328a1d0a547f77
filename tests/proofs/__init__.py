"""Proofs that an apply survives what can happen to it: killed, throttled, unanswered, overtaken by somebody else."""
