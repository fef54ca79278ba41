//! Is the demo what it says? The planner alone, and the printed tour run line by line against the real binary.

mod planner;
mod tour;
