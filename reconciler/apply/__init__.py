"""Carries out a plan: the executor, one step, preconditions and ledger entries."""
