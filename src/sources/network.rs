//! Where a request comes from, and who may send: address ranges in settings, and `X-Forwarded-For` only from proxies that
//! settings name, because anyone can write that header (RELIABILITY B24).

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A range of addresses: `192.0.2.0/24`, `2001:db8::/32`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// Text that is not a range of addresses.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an address range such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct InvalidNetwork(String);

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.trim().parse().map_err(|_| invalid())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(whole), str::parse::<u32>).map_err(|_| invalid())?;
        if prefix > whole {
            return Err(invalid());
        }
        Ok(Self { address, prefix })
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Network {
    /// True when the address is in the range; an IPv4 address that came over IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(range), IpAddr::V4(address)) => agree(u128::from(u32::from(range)), u128::from(u32::from(address)), 32 - self.prefix),
            (IpAddr::V6(range), IpAddr::V6(address)) => agree(range.into(), address.into(), 128 - self.prefix),
            _ => false,
        }
    }
}

/// True when two addresses agree in all but the last bits.
fn agree(one: u128, other: u128, last_bits: u32) -> bool {
    (one ^ other).checked_shr(last_bits).unwrap_or(0) == 0
}

/// Who sent a request: the other end of the connection; if that is a trusted proxy, the last address of
/// `X-Forwarded-For` that is none. None when that is not an address.
#[must_use]
pub fn sender<'a>(peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>, trusted: &[Network]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return Some(peer);
    }
    let mut last = peer;
    for text in forwarded.rev().map(str::trim) {
        last = text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
        if !is_trusted(last) {
            break;
        }
    }
    Some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect("a range")
    }

    #[test]
    fn ranges_hold_what_they_say() {
        for (range, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7", "::ffff:192.0.2.7", "::192.0.2.7"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("10.0.0.0/8", "10.255.0.1", "::1"),
        ] {
            assert!(network(range).contains(inside.parse().expect("an address")), "{inside} in {range}");
            assert!(!network(range).contains(outside.parse().expect("an address")), "{outside} in {range}");
        }
        assert!(network("0.0.0.0/0").contains([255, 255, 255, 255].into()) && network("::/0").contains([0xffff; 8].into()));
        for text in ["", "x", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_forwarded_address_counts_from_trusted_proxies_only() {
        let trusted = [network("10.0.0.0/8")];
        let from = |peer: &str, forwarded: &str| {
            sender(peer.parse().expect("an address"), forwarded.split(',').filter(|text| !text.is_empty()), &trusted).map(|address| address.to_string())
        };
        assert_eq!(from("203.0.113.9", "192.0.2.1").as_deref(), Some("203.0.113.9"), "anyone can write the header");
        assert_eq!(from("10.0.0.1", "192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(from("10.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.2").as_deref(), Some("192.0.2.1"), "what the sender wrote itself stands before");
        assert_eq!(from("10.0.0.1", "192.0.2.1:4711").as_deref(), Some("192.0.2.1"));
        assert_eq!(from("10.0.0.1", "192.0.2.1, unknown"), None);
        assert_eq!(from("10.0.0.1", "").as_deref(), Some("10.0.0.1"));
    }
}
