"""What the tests in a real browser need: the browser itself, and an application whose pages it opens."""
