"""`polarpod gc`: finds and deletes what failed and old attempts left, once its retention is over."""
