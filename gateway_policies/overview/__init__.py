"""What is live at a gateway, as people look at it: when versions go, who may do what, which throttle counts."""
