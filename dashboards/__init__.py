"""What operators see: Grafana dashboards and Prometheus alerts, generated, so that names agree."""
