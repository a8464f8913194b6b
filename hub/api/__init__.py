"""The admin API: routes as data, one place that lets callers in, problem documents for every error."""
