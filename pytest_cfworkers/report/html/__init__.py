"""The report as one HTML file: no network, readable without JavaScript, and with it a table and waterfalls to search."""

from pytest_cfworkers.report.html.page import render

__all__ = ["render"]
