"""Names that hook scripts of VDSM import, with the behaviour that they rely on.

Does: answer from this host: /proc, /sys, files of the agent, its port. The agent tells scripts where its things are by
variables (OVIS_VDSM_RUN, OVIS_AGENT_DATA, OVIS_AGENT_ADDRESS, OVIS_AGENT_PORT, OVIS_LIBVIRT_URI); without them VDSM's places hold.
Does not: import anything beyond the standard library, except where a script asks for libvirt itself.
Follows: VDSM's modules of these names, as far as the hooks that are known import them.
"""
