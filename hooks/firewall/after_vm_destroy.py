#!/usr/bin/python3
"""The VM ended."""

import firewall_rules

firewall_rules.drop()
