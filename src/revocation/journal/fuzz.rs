//! For the fuzz targets: what do the bytes of a journal hold?

use super::record::{Found, Record};

/// Every record of a journal behind its beginning, as it would be written anew; none for a spoilt one.
pub fn read_journal(mut bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut records = Vec::new();
    loop {
        match Record::read(&mut bytes).expect("a slice is read without an error") {
            Found::End => return records,
            Found::Spoilt => records.push(None),
            Found::Record(record) => {
                let mut written = Vec::new();
                record.write(&mut written).expect("a vector takes everything");
                records.push(Some(written));
            }
        }
    }
}
