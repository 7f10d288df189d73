"""VM pools: /vmpools."""
