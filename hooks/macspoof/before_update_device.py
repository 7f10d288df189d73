#!/usr/bin/python3
"""A NIC of a running VM whose link, network or filter changes."""

import macspoof_filter

macspoof_filter.run()
