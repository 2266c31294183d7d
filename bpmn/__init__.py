"""Data only: one folder per notice, read with `importlib.resources`."""
