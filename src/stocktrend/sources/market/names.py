"""Tickers and company names: invented, many, and without words that carry a tone."""

from typing import Final

_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_TREES_LINE: Final = (
    "Alder Ashby Aspen Birch Bramble Calder Cedar Clover Corwin Dalton Denham Dorset Elwood "
    "Fenton Fernley Garnet Hadley Halden Harlow Hawthorn Heron Hollis Ingram Juniper Kelby "
    "Kestrel Lanark Larch Linden Lowell Marlow Merton Milford Norwood Oakham Orwell Pembroke "
    "Penrose Quarry Radley Redfern Rowan Sedgwick Selby Sorrel Stanway Tamarack Thornbury "
    "Tilden Upton Verity Walden Warwick Whitby Willow Winslow Yarrow Yelland Zephyr Bexley"
)
_TRADES_LINE: Final = (
    "Foods Systems Energy Bancorp Pharma Motors Retail Logistics Chemicals Software Instruments "
    "Materials Airlines Media Utilities Insurance Semiconductor Apparel Hotels Railways Paper "
    "Networks Devices Brands Holdings Machinery Packaging"
)
_TREES: Final = _TREES_LINE.split()
_TRADES: Final = _TRADES_LINE.split()


def ticker_symbol(number: int) -> str:
    """Four consonants, one symbol a number: no words, no reserved file names."""
    code = (number * 7919 + 48611) % len(_LETTERS) ** 4
    letters = []
    for _ in range(4):
        code, digit = divmod(code, len(_LETTERS))
        letters.append(_LETTERS[digit])
    return "".join(letters)


def company_name(number: int) -> str:
    """A name of two words; from number 1,620 on with a numeral that keeps it apart."""
    round_, place = divmod(number, len(_TREES) * len(_TRADES))
    name = f"{_TREES[place % len(_TREES)]} {_TRADES[(place * 7 + place // 60) % len(_TRADES)]}"
    return name if round_ == 0 else f"{name} {round_ + 1}"
