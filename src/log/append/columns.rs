//! A batch as `log.append` wants it: one array for each column, so that it goes in one round trip.

use uuid::Uuid;

use super::Sealed;
use crate::domain::clock::Timestamp;

/// The batch as the arrays that `log.append` takes.
pub(super) struct Columns<'a> {
    ids: Vec<Uuid>,
    tenants: Vec<&'a str>,
    sources: Vec<&'a str>,
    keys: Vec<&'a str>,
    tags: Vec<Option<i64>>,
    types: Vec<&'a str>,
    arrived: Vec<Timestamp>,
    headers: Vec<&'a str>,
    bodies: Vec<&'a [u8]>,
    salts: Vec<&'a [u8]>,
    hashes: Vec<&'a [u8]>,
    leaves: Vec<&'a [u8]>,
    verdicts: Vec<&'a str>,
    secrets: Vec<Option<&'a str>>,
    flags: Vec<String>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(batch: &'a [Sealed]) -> Self {
        fn column<'a, T>(batch: &'a [Sealed], value: impl FnMut(&'a Sealed) -> T) -> Vec<T> {
            batch.iter().map(value).collect()
        }
        Self {
            ids: column(batch, |sealed| sealed.new.id.uuid()),
            tenants: column(batch, |sealed| sealed.new.tenant.as_str()),
            sources: column(batch, |sealed| sealed.new.source.as_str()),
            keys: column(batch, |sealed| sealed.new.delivery_key.as_str()),
            tags: column(batch, |sealed| sealed.new.signature_tag),
            types: column(batch, |sealed| sealed.new.event_type.as_str()),
            arrived: column(batch, |sealed| sealed.new.arrived_at),
            headers: column(batch, |sealed| sealed.headers.as_str()),
            bodies: column(batch, |sealed| &*sealed.new.body),
            salts: column(batch, |sealed| sealed.salt.as_slice()),
            hashes: column(batch, |sealed| sealed.body_hash.as_slice()),
            leaves: column(batch, |sealed| sealed.leaf.as_slice()),
            verdicts: column(batch, |sealed| sealed.new.verdict.as_str()),
            secrets: column(batch, |sealed| sealed.new.secret_id.as_deref()),
            flags: column(batch, |sealed| sealed.new.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>().join(",")),
        }
    }

    pub(super) fn parameters(&self) -> [&(dyn tokio_postgres::types::ToSql + Sync); 15] {
        [
            &self.ids,
            &self.tenants,
            &self.sources,
            &self.keys,
            &self.tags,
            &self.types,
            &self.arrived,
            &self.headers,
            &self.bodies,
            &self.salts,
            &self.hashes,
            &self.leaves,
            &self.verdicts,
            &self.secrets,
            &self.flags,
        ]
    }
}
