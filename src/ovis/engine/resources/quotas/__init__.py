"""Quotas: /datacenters/ID/quotas."""
