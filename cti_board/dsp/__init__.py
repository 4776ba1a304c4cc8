"""Room: the signal library for programs: detectors, senders and instruments on numpy arrays.
Must not know boards, channels or calls; asyncio and files are not for this room.

Each signal has a module of its own; what runs on a live channel is the same C.
"""
