"""What tests share: a workshop with a jobs directory, a lake and a plane."""
