"""What reviews shows on `/metrics`; registered when the app loads."""

from governance.monitoring.metrics import Gauge, at_most

ALL = (
    Gauge("countersign_items_open", "Items waiting for people.", at_most("reviews_item", "state <> 'closed'")),
    Gauge("countersign_items_unrouted", "Items that no queue has yet.", at_most("reviews_item", "routed_at IS NULL")),
    Gauge(
        "countersign_items_unrouted_oldest_seconds",
        "Age of the oldest item that no queue has yet.",
        "SELECT extract(epoch FROM now() - min(created_at)) FROM reviews_item WHERE routed_at IS NULL",
    ),
    Gauge(
        "countersign_seats_open",
        "Places at items not decided.",
        at_most("reviews_seat", "closed_at IS NULL"),
    ),
    Gauge(
        "countersign_deliveries_pending",
        "Messages to producers not delivered yet.",
        at_most("reviews_delivery", "next_attempt_at IS NOT NULL"),
    ),
    Gauge(
        "countersign_deliveries_late_seconds",
        "How long the most overdue message to a producer has waited.",
        "SELECT extract(epoch FROM now() - min(next_attempt_at)) FROM reviews_delivery WHERE next_attempt_at <= now()",
    ),
)
