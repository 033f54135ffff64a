"""The report opens in Chromium: plots are drawn, nothing is fetched, no script fails."""

import pytest
from test_page import make

from browser import Opened, open_page
from stocktrend.reporting import write_report


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    folder = tmp_path_factory.mktemp("browser")
    page = folder / "report.html"
    write_report(page, make())
    return open_page(page, folder / "profile")


def test_every_plot_is_drawn(opened: Opened) -> None:
    found = opened.plots
    assert found.plots >= 5
    assert found.drawn >= found.plots
    assert found.paths > 100


def test_no_script_fails(opened: Opened) -> None:
    assert opened.complaints == []


def test_nothing_is_fetched(opened: Opened) -> None:
    assert opened.loaded == []
