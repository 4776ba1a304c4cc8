"""Room: the sets that judge the signal library, beside libspandsp, in one table.

Must not share a generator, a recording or a constant with what the detectors were tuned on.
"""
