#!/usr/bin/python3
"""The NICs that a VM starts with."""

import macspoof_filter

macspoof_filter.run()
