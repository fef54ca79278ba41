//! For the fuzz targets: is this where a Redis is?

use super::Address;
use crate::secret::Secret;

/// Reads a URL; how it prints (without secrets), or what is wrong with it.
pub fn read_redis_address(url: &str) -> Result<String, &'static str> {
    Address::parse(&Secret::from(url)).map(|address| format!("{address:?}"))
}
