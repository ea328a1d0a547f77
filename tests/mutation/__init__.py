"""Measures how strong the black-box tests are: puts small faults into the modules that decide, one at a time."""
