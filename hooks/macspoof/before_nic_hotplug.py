#!/usr/bin/python3
"""A NIC that is plugged into a running VM."""

import macspoof_filter

macspoof_filter.run()
