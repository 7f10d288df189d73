"""ovis-shell: the engine from a terminal, on top of the SDK."""
