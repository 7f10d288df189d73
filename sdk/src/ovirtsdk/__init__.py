"""SDK of oVirt's API 3: `from ovirtsdk.api import API`."""
