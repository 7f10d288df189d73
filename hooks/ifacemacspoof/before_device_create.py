#!/usr/bin/python3
"""A NIC that a VM starts with."""

import ifacemacspoof_filter

ifacemacspoof_filter.run()
