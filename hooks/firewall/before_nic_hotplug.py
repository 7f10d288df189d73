#!/usr/bin/python3
"""A NIC is plugged into a running VM."""

import firewall_rules

firewall_rules.plug()
