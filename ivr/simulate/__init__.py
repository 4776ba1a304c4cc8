"""Room: simulated people on the street of a simulated card: callers, agents, and a whole day.

Must not be needed by the centre: `ivr.app` never imports it.  On a card without a street nothing
here works, and says so.
"""

from ivr.simulate.agents import simulated_agents
from ivr.simulate.callers import arrivals

__all__ = ["arrivals", "simulated_agents"]
