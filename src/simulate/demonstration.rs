//! What the demonstration shows of an organisation at work, beside real payloads: two days of ten people.

use uuid::Uuid;

use super::{Organisation, Settings};
use crate::demo::deliveries::Delivery;

/// Two days of a small organisation called northwind, and a delivery whose body was cut short on its way: kept all the same, as
/// what it is. The same at every run.
#[must_use]
pub fn demonstration() -> Vec<Delivery> {
    let settings = Settings { seed: 48, people: 10, repos: 2, days: 2, ..Settings::default() };
    let mut deliveries: Vec<Delivery> = Organisation::new(&settings).map(|simulated| simulated.delivery).collect();
    if let Some(whole) = deliveries.iter().find(|delivery| delivery.source == "github") {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"hooklake demo cut short");
        let body = whole.body.chars().take(whole.body.chars().count() / 2).collect();
        let cut = Delivery { id, body, ..whole.clone() };
        deliveries.push(cut);
    }
    deliveries
}
