"""What the Drova API sends, as typed and frozen values; ``wire`` says how strict they are."""

from drova_gate.cloud.models.games import (
    DESKTOP_PRODUCT,
    CatalogueItem,
    ListedProduct,
    Product,
    ProductSettings,
    PublicProduct,
    StationProduct,
)
from drova_gate.cloud.models.money import (
    Account,
    OpenDeal,
    PrepaidSale,
    PrepaidStats,
    Promocode,
    RenewedToken,
    Stat,
    StationUsage,
    UnpaidStats,
    Usage,
    UsagePeriod,
)
from drova_gate.cloud.models.stations import Endpoint, Graphic, Hardware, Processor, PublicStation, Server, Session
from drova_gate.cloud.models.wire import Milliseconds, Money, Wire

__all__ = [
    "DESKTOP_PRODUCT",
    "Account",
    "CatalogueItem",
    "Endpoint",
    "Graphic",
    "Hardware",
    "ListedProduct",
    "Milliseconds",
    "Money",
    "OpenDeal",
    "PrepaidSale",
    "PrepaidStats",
    "Processor",
    "Product",
    "ProductSettings",
    "Promocode",
    "PublicProduct",
    "PublicStation",
    "RenewedToken",
    "Server",
    "Session",
    "Stat",
    "StationProduct",
    "StationUsage",
    "UnpaidStats",
    "Usage",
    "UsagePeriod",
    "Wire",
]
