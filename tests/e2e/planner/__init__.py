"""The event planner: a FastAPI application whose own login was deleted when Gatepass was put in front of it."""
