"""Room: line signalling: what the events of one channel mean for a call.  Must not import call."""
