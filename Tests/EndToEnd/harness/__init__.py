"""What the end-to-end tests share: real processes and people who use them."""
