"""Use cases, one file each: they connect files, gateway and ledger to the pure core."""
