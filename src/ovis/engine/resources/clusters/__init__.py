"""Clusters: /clusters and what hangs below them."""

from ovis.engine.resources.clusters.resource import CLUSTERS_OF_DATA_CENTER, RESOURCE, create

__all__ = ["CLUSTERS_OF_DATA_CENTER", "RESOURCE", "create"]
