"""What people say of pairs of images: which pairs, the page, the answers."""
