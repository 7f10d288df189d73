"""Scheduling policies and units."""

from ovis.engine.resources.scheduling_policies.read import parameters_of, policy_from
from ovis.engine.resources.scheduling_policies.resource import POLICIES, POLICY_UNITS, TABLE, seed
from ovis.engine.resources.scheduling_policies.units import TABLE as UNITS_TABLE, UNITS, external_units

__all__ = (
    "POLICIES",
    "POLICY_UNITS",
    "TABLE",
    "UNITS",
    "UNITS_TABLE",
    "external_units",
    "parameters_of",
    "policy_from",
    "seed",
)
