//! Paths, targets, hosts and methods that mean two things: group C.

mod methods;
mod places;
mod settings;
mod spelling;
mod targets;
