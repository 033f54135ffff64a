"""All built-in rules, in one place and in the order in which they are told."""

from typing import Final

from stocktrend.quality import calendar, matching, news, prices, refused, series
from stocktrend.quality.findings import Rule

RULES: Final[tuple[Rule, ...]] = (
    prices.two_series,
    prices.recycled_ticker,
    prices.missed_adjustment,
    prices.impossible_bar,
    prices.unexplained_jump,
    prices.repeated_bar,
    prices.stale_series,
    prices.same_series,
    calendar.no_session,
    calendar.outdated_bars,
    prices.outside_its_range,
    prices.revised_bars,
    calendar.missing_sessions,
    calendar.ends_early,
    calendar.silent_spell,
    news.from_the_future,
    news.other_languages,
    news.repeated_texts,
    news.reposts,
    matching.bars_without_news,
    matching.news_without_bars,
    series.missing_period,
    series.outdated_series,
    series.revised_without_vintages,
    series.revisions,
    series.without_text,
    matching.members_without_bars,
    refused.impossible_prices,
    refused.refused_records,
    refused.duplicate_records,
    refused.withheld_bars,
)
