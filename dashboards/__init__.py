"""The pictures of driftline: boards in our own terms, written as Grafana JSON and Azure Workbooks."""
