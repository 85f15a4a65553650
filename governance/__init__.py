"""What the house believes, and the proof."""
