"""`ovis`: what a person types to run and check Ovis on one machine.

Does: start and stop an installation's processes, make its first hosts and objects, run the checks. Does not: know how
engine or agent work inside; it starts their programs and then speaks to the API as any client would.
"""
