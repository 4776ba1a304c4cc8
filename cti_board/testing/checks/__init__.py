"""The checks themselves, a module for each room of what is checked (see registry.py)."""
