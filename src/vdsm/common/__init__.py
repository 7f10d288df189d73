"""Names below vdsm.common."""
