"""The bridge of NICs without a network."""

DUMMY_BRIDGE = ";vdsmdummy;"
