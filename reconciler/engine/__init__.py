"""Pure functions from what is declared and what is live to what has to be done, in which order, by which calls."""
