"""Public holidays by country, from the library ``holidays``: worked out year by year, and only when asked for.

A country is a code of ISO 3166: ``DE``, or ``DE-BY`` for a part with holidays of its own; an unknown part has those of
its country. The same version of the library gives the same days everywhere: ``edition`` names it.
"""

import warnings
from collections.abc import Container, Iterator, Mapping
from datetime import date
from functools import cache, lru_cache

from holidays import country_holidays, list_supported_countries
from holidays.version import __version__

EDITION = f"holidays {__version__}"
_YEARS = range(1990, 2101)  # outside of them no rule of ours looks, and the library guesses


class Days(Container[date]):
    """The public holidays of one country or part of it."""

    def __init__(self, country: str, part: str | None) -> None:
        self._country = country
        self._part = part

    def __contains__(self, day: object) -> bool:
        """Whether a local day is one of them."""
        return isinstance(day, date) and day.year in _YEARS and day in _year(self._country, self._part, day.year)


class PublicHolidays(Mapping[str, Container[date]]):
    """The holidays of each country that the library knows, by its code."""

    def __getitem__(self, code: str) -> Container[date]:
        """The holidays of a country or of a part of it; KeyError when there is no such country."""
        found = days_of(code)
        if found is None:
            raise KeyError(code)
        return found

    def __iter__(self) -> Iterator[str]:
        """Each country's code."""
        return iter(_parts())

    def __len__(self) -> int:
        """How many codes of countries there are."""
        return len(_parts())


@lru_cache(maxsize=1024)  # codes are what a product says: untrusted, so bounded
def days_of(code: str) -> Days | None:
    """The holidays of that code in any case; None when there is no such country."""
    country, _, part = code.strip().upper().partition("-")
    known = _parts().get(country)
    return None if known is None else Days(country, part if part in known else None)


def is_known(code: str) -> bool:
    """Whether a code names a country, and the part that it names has holidays of its own."""
    country, dash, part = code.strip().upper().partition("-")
    return country in _parts() and (not dash or part in _parts()[country])


@cache
def _parts() -> Mapping[str, tuple[str, ...]]:
    return {country: tuple(parts) for country, parts in sorted(list_supported_countries().items())}


@lru_cache(maxsize=4096)
def _year(country: str, part: str | None, year: int) -> frozenset[date]:
    with warnings.catch_warnings(action="ignore"):  # that it only estimates a moon
        return frozenset(country_holidays(country, subdiv=part, years=year, expand=False))
