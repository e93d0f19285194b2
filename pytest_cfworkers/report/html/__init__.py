"""The report as one HTML file: no network, readable without JavaScript, with it a table to search and waterfalls."""

from pytest_cfworkers.report.html.page import render

__all__ = ["render"]
