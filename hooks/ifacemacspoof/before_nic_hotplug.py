#!/usr/bin/python3
"""A NIC that is plugged into a running VM."""

import ifacemacspoof_filter

ifacemacspoof_filter.run()
