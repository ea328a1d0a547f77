"""Use cases: each wires the rim (files, gateway, ledger) to the pure middle and holds no rule of its own."""
