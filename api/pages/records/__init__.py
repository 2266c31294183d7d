"""Nested data as a form of a page: its shape read from pydantic models, shown with faults at their places, read back whole."""

from api.pages.records.reading import ABSENT, Sent, order_like, read_shape
from api.pages.records.shapes import (
    Choice,
    Day,
    Lines,
    Listing,
    Named,
    Number,
    Plain,
    Record,
    Several,
    Shape,
    Slot,
    Text,
    Variants,
    YesNo,
    shape_of,
)
from api.pages.records.showing import Node, Showing, show_shape

__all__ = [
    "ABSENT",
    "Choice",
    "Day",
    "Lines",
    "Listing",
    "Named",
    "Node",
    "Number",
    "Plain",
    "Record",
    "Sent",
    "Several",
    "Shape",
    "Showing",
    "Slot",
    "Text",
    "Variants",
    "YesNo",
    "order_like",
    "read_shape",
    "shape_of",
    "show_shape",
]
