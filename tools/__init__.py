"""Room: the technician's command `cti`; installed as the package cti_tools.

Thin: it asks cti_board and prints.  What a line is and how it is tested lives below it.
"""
