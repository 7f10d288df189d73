"""Hooks: an administrator's scripts at the agent's points."""

from ovis.agent.hooks.points import POINTS
from ovis.agent.hooks.runner import HookError, Hooks

__all__ = ["POINTS", "HookError", "Hooks"]
