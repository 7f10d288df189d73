"""Identifiers that every installation shares.

Follows: shipped defaults of engine 4.5.
"""

EMPTY = "00000000-0000-0000-0000-000000000000"
BLANK_TEMPLATE = EMPTY
ROOT_TAG = EMPTY
