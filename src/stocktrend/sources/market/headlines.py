"""Templates of headlines and posts, sorted by what a reader would make of them.

The market's news carries no scores: whoever wants the tone must read the text. Fields in braces
are filled with the company, its symbol, figures and neutral nouns.
"""

from typing import Final

POSITIVE: Final = (
    "{name} shares jump {pct}% after {quarter} profit beats estimates",
    "{name} raises full-year guidance on strong demand",
    "{name} posts record {quarter} revenue, tops expectations",
    "{broker} upgrades {name} to buy, sees upside to {price}",
    "{name} wins ${amount} million contract in {region}",
    "{name} profit rises {pct}% as margins improve",
    "{name} stock rallies to new high on upbeat outlook",
    "{name} boosts dividend by {pct}% and expands buyback",
    "{name} gains approval for {product} in {region}",
    "Strong growth in {region} lifts {name} sales {pct}%",
    "{name} surges as {quarter} earnings exceed forecasts",
    "{name} reports better-than-expected {quarter} results",
    "{broker} bullish on {name}, raises target to {price}",
    "{name} outperforms peers as orders climb {pct}%",
    "{name} secures profitable partnership to launch {product}",
    "Investors cheer {name} turnaround, shares gain {pct}%",
    "{name} margin improvement impresses analysts",
    "{name} wins patent dispute over {product}, shares rise",
    "{name} returns to profit in {quarter} as costs improve",
    "{name} delivers robust {quarter} growth, lifts outlook",
    "{name} beats on earnings and revenue for {quarter}",
    "Upbeat {region} sales help {name} top forecasts",
)
NEGATIVE: Final = (
    "{name} shares plunge {pct}% after {quarter} profit warning",
    "{name} cuts full-year guidance on weak demand",
    "{name} posts surprise {quarter} loss, misses estimates",
    "{broker} downgrades {name} to sell, cuts target to {price}",
    "{name} loses ${amount} million contract in {region}",
    "{name} profit falls {pct}% as margins shrink",
    "{name} stock tumbles to new low on gloomy outlook",
    "{name} slashes dividend by {pct}% as debt mounts",
    "{name} recalls {product} in {region} over safety concerns",
    "Weak sales in {region} drag {name} revenue down {pct}%",
    "{name} slumps as {quarter} earnings fall short of forecasts",
    "{name} reports worse-than-expected {quarter} results",
    "{broker} bearish on {name}, warns of further losses",
    "{name} underperforms peers as orders drop {pct}%",
    "{name} faces lawsuit and probe over {product}",
    "Investors dump {name} after accounting concerns, shares sink {pct}%",
    "{name} to cut {amount} jobs as losses widen",
    "{name} loses patent dispute over {product}, shares fall",
    "{name} swings to loss in {quarter} on impairment charge",
    "{name} warns of slowing growth, shares drop",
    "{name} misses on earnings and revenue for {quarter}",
    "Disappointing {region} sales hurt {name}, outlook weak",
)
NEUTRAL: Final = (
    "{name} to present at {broker} conference in {region}",
    "{name} names new head of {region} operations",
    "{name} to report {quarter} results next week",
    "{name} schedules annual meeting of shareholders",
    "{name} opens office in {region}",
    "{name} files quarterly report for {quarter}",
    "{broker} starts coverage of {name}, target {price}",
    "{name} moves {product} production to {region}",
    "{name} trading at {price} ahead of {quarter} report",
    "What to expect when {name} reports {quarter} numbers",
    "{name} appoints {broker} as adviser on {product} unit",
    "{name} holds talks on {product} in {region}",
    "{name} completes ${amount} million bond sale",
    "Five things to know about {name} this week",
)
FOREIGN: Final = (
    ("de", "{name}: Quartalszahlen für {quarter} am Donnerstag erwartet"),
    ("de", "{name} eröffnet neuen Standort, {amount} Stellen geplant"),
    ("es", "{name} presenta los resultados de {quarter} la próxima semana"),
    ("es", "{name} anuncia una inversión de {amount} millones"),
    ("fr", "{name} publiera ses résultats du {quarter} la semaine prochaine"),
    ("ja", "{name}、{quarter}の決算を来週発表"),
)
MARKET_POSITIVE: Final = (
    "Stocks rally as investors cheer strong economic data",
    "Wall Street gains {small}% on upbeat earnings",
    "Markets climb to record high as optimism returns",
    "Shares surge after better-than-expected jobs report",
    "Equities advance, {broker} sees further upside",
    "Global stocks rise {small}% as trade optimism improves",
    "Risk appetite improves as growth outlook brightens",
    "S&P 500 posts best week of the quarter, up {small}%",
)
MARKET_NEGATIVE: Final = (
    "Stocks tumble as recession fears grow",
    "Wall Street drops {small}% on weak earnings",
    "Markets slump to new low as worries mount",
    "Shares plunge after worse-than-expected jobs report",
    "Equities decline, {broker} warns of further losses",
    "Global stocks fall {small}% as trade tensions worsen",
    "Risk appetite fades as growth outlook deteriorates",
    "S&P 500 suffers worst week of the quarter, down {small}%",
)
MARKET_NEUTRAL: Final = (
    "Stocks little changed ahead of economic data",
    "What to watch on Wall Street this week",
    "Markets await the next policy meeting",
    "Trading volume in line with its usual level",
    "{broker} publishes its weekly market calendar",
    "Futures flat before the opening bell",
)
BROKERS: Final = (
    "Ellery & Stone",
    "Northgate Research",
    "Calloway Partners",
    "Fairmont Securities",
    "Meridian Capital",
    "Hartwell Brothers",
)
PRODUCTS: Final = (
    "its cloud platform",
    "a new tablet line",
    "its flagship sensor",
    "a delivery service",
    "its generic drug",
    "an electric van",
    "its payment terminal",
)
REGIONS: Final = ("Europe", "Brazil", "Canada", "Japan", "Texas", "Mexico", "Asia", "the Midwest")
