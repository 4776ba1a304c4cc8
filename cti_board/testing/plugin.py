"""Room: the pytest plugin.  Must stay cheap to import."""
