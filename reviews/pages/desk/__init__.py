"""What the workbench puts before a reviewer: the card of an item, the rail of her session, cases like it."""
