"""Room: the machine with the real kernel driver (docs/vm.md).  No product imports it."""
