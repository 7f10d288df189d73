"""What the engine moves by itself: load balancing, affinity rules, HA reservation."""
