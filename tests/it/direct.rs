//! Does a request that goes straight to its upstream get what it would have got by way of the engine, whatever the upstream
//! does?

mod answers;
mod dressed;
mod failing;
mod faults;
mod kept;
mod requests;
mod stand;
