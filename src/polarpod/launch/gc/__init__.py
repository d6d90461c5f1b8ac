"""`polarpod gc`: what failed and old attempts left, how long it is kept, and what takes it away."""
