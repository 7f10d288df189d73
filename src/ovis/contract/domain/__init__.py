"""Domain XML as the engine composes it and the agent completes it."""
