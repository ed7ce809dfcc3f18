"""What people read, in their own language; logs stay English."""
