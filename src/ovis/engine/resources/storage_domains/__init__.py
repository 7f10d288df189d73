"""Storage domains: /storagedomains, /storageconnections, and those of a data center."""
