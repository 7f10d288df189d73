"""Names below vdsm.storage."""
