"""The page of a module's ``contents``."""

import pytest
from pages import Page

from stocktrend.reporting import ReportContents, render_report


@pytest.fixture(scope="module")
def html(contents: ReportContents) -> str:
    return render_report(contents)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)
