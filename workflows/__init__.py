"""The campaigns: what officials, experts and institutions do."""
