"""The only reader of files and environment variables: what users wrote into checked values with positions."""
