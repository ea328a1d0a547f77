"""How strong the black-box tests are: small faults are put into the modules that decide, one at a time."""
