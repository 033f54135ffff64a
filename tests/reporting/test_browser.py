"""The reports open in Chromium: plots are drawn, nothing is fetched, no script fails."""

from pathlib import Path

import pytest
from studied import make_study, study_contents
from test_page import make

from browser import Opened, narrow_width, open_page
from stocktrend.reporting import write_report

PHONE = 390


@pytest.fixture(scope="module", params=["run", "study"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    contents = make() if request.param == "run" else study_contents(make_study())
    return write_report(tmp_path_factory.mktemp("browser") / "report.html", contents)


@pytest.fixture(scope="module")
def opened(page: Path) -> Opened:
    return open_page(page, page.parent / "profile")


def test_every_plot_is_drawn(page: Path, opened: Opened) -> None:
    found = opened.plots
    places = page.read_text().count('<div class="chart"')
    assert found.plots == places >= 5
    assert found.drawn >= found.plots
    assert found.paths > 20 * places


def test_no_script_fails(opened: Opened) -> None:
    assert opened.complaints == []


def test_nothing_is_fetched(opened: Opened) -> None:
    assert opened.loaded == []


def test_nothing_sticks_out_on_a_phone(page: Path) -> None:
    assert narrow_width(page, page.parent / "profile", PHONE) == PHONE
