//! For the fuzz targets: how is a form read?

use http::HeaderMap;

use super::form::Form;

/// The fields `known` of a form, as far as they are there.
pub fn read_form(
    known: &[&'static str],
    headers: &HeaderMap,
    query: Option<&str>,
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, String> {
    let mut form = Form::read(known, headers, query, body).map_err(|bad| bad.to_string())?;
    Ok(known.iter().filter_map(|name| Some((*name, form.take(name)?))).collect())
}
