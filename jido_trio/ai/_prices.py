"""Prices as they were published, each with its day. A price that isn't here is unknown, and never 0.

Prices change: give your own where it matters, `Model(..., price=Price(...))`. They are in US dollars.
"""

from collections.abc import Mapping

from jido_trio.ai._budget import Price

PRICES: Mapping[str, Price] = {
    "claude-3-5-haiku-20241022": Price(0.80, 4.00, 0.08, 1.00, as_of="2025-05-22"),
    "claude-sonnet-4-20250514": Price(3.00, 15.00, 0.30, 3.75, as_of="2025-05-22"),
    "gpt-4.1": Price(2.00, 8.00, 0.50, as_of="2025-04-14"),
    "gpt-4.1-mini": Price(0.40, 1.60, 0.10, as_of="2025-04-14"),
    "gpt-4.1-nano": Price(0.10, 0.40, 0.025, as_of="2025-04-14"),
    "gpt-4o": Price(2.50, 10.00, 1.25, as_of="2024-10-01"),
    "gpt-4o-mini": Price(0.15, 0.60, 0.075, as_of="2024-10-01"),
}
"""By the provider's own name of the model, exact: a model with another name has another price."""
