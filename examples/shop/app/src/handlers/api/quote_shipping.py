import asyncio
from dataclasses import dataclass

from lib.errors import NotFound

CENTS_PER_KILO = {"DE": 300, "FR": 450, "US": 1900}


@dataclass
class QuoteInput:
    country: str
    grams: int


@dataclass
class Quote:
    country: str
    cents: int
    days: int


# Annotated with a dataclass, the first argument is the body itself.
async def handler(parcel: QuoteInput) -> Quote:
    await asyncio.sleep(0.01)  # the carrier's api
    rate = CENTS_PER_KILO.get(parcel.country)
    if rate is None:
        raise NotFound(f"nobody delivers to {parcel.country}")
    kilos = -(-parcel.grams // 1000)
    return Quote(parcel.country, rate * kilos, 2 if parcel.country == "DE" else 5)
