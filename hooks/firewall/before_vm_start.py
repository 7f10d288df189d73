#!/usr/bin/python3
"""A VM starts, or is restored."""

import firewall_rules

firewall_rules.put()
