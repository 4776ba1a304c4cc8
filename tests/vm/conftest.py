"""The tests named test_dahdi_* run inside the test machine only, the others only outside."""

import os

collect_ignore_glob = ["test_runner.py"] if os.environ.get("CTB_VM") else ["test_dahdi_*.py"]
