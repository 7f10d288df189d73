"""Actions of VMs, one file each."""
