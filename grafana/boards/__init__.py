"""Grafana boards as code. ``python -m grafana.boards`` writes grafana/dashboards/*.json; a test keeps them current."""
