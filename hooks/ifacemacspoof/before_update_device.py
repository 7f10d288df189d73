#!/usr/bin/python3
"""A NIC of a running VM whose link, network or filter changes."""

import ifacemacspoof_filter

ifacemacspoof_filter.run()
