#!/usr/bin/python3
"""The VM was saved."""

import firewall_rules

firewall_rules.drop()
