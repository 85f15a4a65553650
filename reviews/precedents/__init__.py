"""What decided cases were about, in words, so that the next one like them finds them."""
