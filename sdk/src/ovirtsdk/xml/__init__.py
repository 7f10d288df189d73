"""Types of bodies and answers: `from ovirtsdk.xml import params`."""
