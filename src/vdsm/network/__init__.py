"""Names below vdsm.network."""
