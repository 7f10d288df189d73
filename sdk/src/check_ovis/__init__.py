"""check_ovis: the engine for Nagios and Icinga, on top of the SDK."""
