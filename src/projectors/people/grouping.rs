//! Pure: which accounts are one person, by the claims that are known and the map that people configured.
//!
//! Links between accounts are tried from the surest to the least sure, and within one rule by name, so that the outcome
//! depends on the set of claims alone. A link that would join accounts which the map holds apart is not made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::claims::{Known, What};
use super::map::PeopleMap;

/// Why two accounts are the same person, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// Somebody configured it.
    Map,
    /// GitHub's own address for commits names the account.
    Noreply,
    /// GitHub says whose address the author of a commit has.
    CommitLogin,
    /// They have the same email address.
    Email,
    /// They have the same full name, which nobody shares.
    Name,
}

impl Rule {
    const fn word(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Noreply => "noreply",
            Self::CommitLogin => "commit_login",
            Self::Email => "email",
            Self::Name => "name",
        }
    }

    /// How sure it is, from 0 to 1.
    const fn confidence(self) -> f64 {
        match self {
            Self::Map | Self::Noreply => 1.0,
            Self::CommitLogin => 0.99,
            Self::Email => 0.95,
            Self::Name => 0.7,
        }
    }
}

/// A link that was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    rule: Rule,
    one: usize,
    other: usize,
    /// The login, address or name that both have.
    evidence: String,
}

/// What is known of one account.
#[derive(Debug, Default)]
struct Account<'a> {
    key: &'a str,
    logins: BTreeSet<&'a str>,
    names: BTreeSet<&'a str>,
    emails: BTreeSet<&'a str>,
    /// The first event that claims anything of it.
    position: i64,
}

impl<'a> Account<'a> {
    fn platform(&self) -> &'a str {
        self.key.split(':').next().unwrap_or_default()
    }
}

/// Accounts and the person that each is.
#[derive(Debug)]
pub(super) struct Groups<'a> {
    accounts: Vec<Account<'a>>,
    /// Of each account, the first one of its person.
    person: Vec<usize>,
    /// Of each account, the surest link that holds it.
    held: Vec<Option<Link>>,
}

/// Groups accounts.
pub(super) fn group<'a>(known: &'a [Known], map: &PeopleMap) -> Groups<'a> {
    let accounts = accounts(known);
    let mut sets = Sets::new(&accounts, apart(&accounts, map));
    let mut links = mapped(&accounts, map);
    links.extend(noreply(&accounts));
    links.extend(commit_logins(&accounts));
    links.extend(emails(&accounts));
    links.sort();
    let mut made: Vec<Link> = links.into_iter().filter(|link| sets.join(link.one, link.other)).collect();
    // Whether a name is somebody's alone can be said only now.
    let mut by_name = names(&accounts, &mut sets);
    by_name.sort();
    // An account with several names would pass one on to the other: two who both have one somewhere are two people.
    made.extend(by_name.into_iter().filter(|link| !sets.share_a_platform(link.one, link.other) && sets.join(link.one, link.other)));
    let mut held: Vec<Option<Link>> = vec![None; accounts.len()];
    for link in made {
        for account in [link.one, link.other] {
            if held[account].is_none() {
                held[account] = Some(link.clone());
            }
        }
    }
    let person = (0..accounts.len()).map(|account| sets.first(account)).collect();
    Groups { accounts, person, held }
}

/// The accounts, those of GitHub first and addresses of commits last: the first of a person gives the person its key.
fn accounts(known: &[Known]) -> Vec<Account<'_>> {
    let mut accounts = BTreeMap::<(u8, &str), Account<'_>>::new();
    for Known { claim, position } in known {
        let key = claim.identity.as_str();
        let order = ["github:", "linear:", "slack:"].iter().position(|platform| key.starts_with(platform)).unwrap_or(3);
        let account =
            accounts.entry((u8::try_from(order).unwrap_or(u8::MAX), key)).or_insert_with(|| Account { key, position: *position, ..Account::default() });
        account.position = account.position.min(*position);
        match claim.what {
            What::Exists => false,
            What::Login => account.logins.insert(&claim.value),
            What::Name => account.names.insert(&claim.value),
            What::Email => account.emails.insert(&claim.value),
        };
    }
    accounts.into_values().collect()
}

/// The accounts that a name of the map means.
fn named(accounts: &[Account<'_>], name: &str) -> Vec<usize> {
    (0..accounts.len()).filter(|index| is_named(&accounts[*index], name)).collect()
}

fn mapped(accounts: &[Account<'_>], map: &PeopleMap) -> Vec<Link> {
    let mut links = Vec::new();
    for names in &map.same {
        let same: BTreeSet<usize> = names.split_whitespace().flat_map(|name| named(accounts, name)).collect();
        let others = same.iter().skip(1);
        links.extend(
            same.first()
                .into_iter()
                .flat_map(|first| others.clone().map(|other| Link { rule: Rule::Map, one: *first, other: *other, evidence: String::new() })),
        );
    }
    links
}

/// Pairs of accounts that must stay apart: those that different names of a list mean.
fn apart(accounts: &[Account<'_>], map: &PeopleMap) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for names in &map.apart {
        let held: Vec<Vec<usize>> = names.split_whitespace().map(|name| named(accounts, name)).collect();
        for (at, some) in held.iter().enumerate() {
            let others = held[at + 1..].iter().flatten();
            pairs.extend(some.iter().flat_map(|one| others.clone().map(|other| (*one, *other))).filter(|(one, other)| one != other));
        }
    }
    pairs
}

fn is_named(account: &Account<'_>, name: &str) -> bool {
    let name = name.trim();
    if account.key.eq_ignore_ascii_case(name) {
        return true;
    }
    match name.split_once(':') {
        Some((platform, login)) => account.platform() == platform && account.logins.iter().any(|known| known.eq_ignore_ascii_case(login)),
        None => account.emails.contains(name.to_lowercase().as_str()),
    }
}

fn is_noreply(email: &str) -> bool {
    email.contains("noreply") || email.contains("no-reply")
}

/// `21031067+ada@users.noreply.github.com` is the address of the account with that number; older ones have the login only.
fn noreply(accounts: &[Account<'_>]) -> Vec<Link> {
    let by_number: BTreeMap<&str, usize> =
        accounts.iter().enumerate().filter_map(|(index, account)| Some((account.key.strip_prefix("github:")?, index))).collect();
    let mut by_login = BTreeMap::<String, Vec<usize>>::new();
    for index in by_number.values() {
        for login in accounts[*index].logins.iter().map(|login| login.to_lowercase()).collect::<BTreeSet<_>>() {
            by_login.entry(login).or_default().push(*index);
        }
    }
    // A login that two accounts have had says nothing.
    by_login.retain(|_, holders| holders.len() == 1);
    let mut links = Vec::new();
    for (other, account) in accounts.iter().enumerate() {
        for email in &account.emails {
            let Some(local) = email.strip_suffix("@users.noreply.github.com") else { continue };
            let one = match local.split_once('+') {
                Some((number, _)) => by_number.get(number),
                None => by_login.get(local).and_then(|holders| holders.first()),
            };
            if let Some(one) = one.filter(|one| **one != other) {
                links.push(Link { rule: Rule::Noreply, one: *one, other, evidence: (*email).to_owned() });
            }
        }
    }
    links
}

/// The author of a commit has the login that GitHub gives it. A login that two accounts have had says nothing.
fn commit_logins(accounts: &[Account<'_>]) -> Vec<Link> {
    let mut by_login = BTreeMap::<String, Vec<usize>>::new();
    for (index, account) in accounts.iter().enumerate().filter(|(_, account)| matches!(account.platform(), "github" | "git")) {
        for login in &account.logins {
            by_login.entry(login.to_lowercase()).or_default().push(index);
        }
    }
    by_login.retain(|_, holders| holders.iter().filter(|holder| accounts[**holder].platform() == "github").count() < 2);
    linked(Rule::CommitLogin, by_login)
}

fn emails(accounts: &[Account<'_>]) -> Vec<Link> {
    let mut by_email = BTreeMap::<String, Vec<usize>>::new();
    for (index, account) in accounts.iter().enumerate() {
        for email in account.emails.iter().filter(|email| !is_noreply(email)) {
            by_email.entry((*email).to_owned()).or_default().push(index);
        }
    }
    linked(Rule::Email, by_email)
}

/// Every account that has something with the first one that has it.
fn linked(rule: Rule, shared: BTreeMap<String, Vec<usize>>) -> Vec<Link> {
    shared
        .into_iter()
        .flat_map(|(evidence, holders)| {
            let first = holders.first().copied().unwrap_or_default();
            holders.into_iter().skip(1).map(move |other| Link { rule, one: first, other, evidence: evidence.clone() })
        })
        .collect()
}

/// A full name that nobody shares on any platform is one person's. Where two have it on one platform, which of them
/// somebody elsewhere is nobody can say.
fn names(accounts: &[Account<'_>], sets: &mut Sets<'_>) -> Vec<Link> {
    let mut by_name = BTreeMap::<String, BTreeMap<usize, usize>>::new();
    for (index, account) in accounts.iter().enumerate() {
        let person = sets.first(index);
        let names: BTreeSet<String> = account.names.iter().filter_map(|name| full_name(name)).collect();
        // Several people commit with one address: by name it is nobody's.
        if account.platform() == "git" && names.len() > 1 {
            continue;
        }
        for name in names {
            by_name.entry(name).or_default().entry(person).or_insert(index);
        }
    }
    by_name.retain(|_, holders| {
        let mut seen = BTreeSet::new();
        holders.keys().flat_map(|person| &sets.platforms[*person]).all(|platform| seen.insert(*platform))
    });
    linked(Rule::Name, by_name.into_iter().map(|(name, holders)| (name, holders.into_values().collect())).collect())
}

/// A name without regard to case and spaces, if it is more than one word: `Ada` may be anybody.
fn full_name(name: &str) -> Option<String> {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    // Names written without spaces are full names as well.
    let is_full = words.len() > 1 || (name.chars().count() > 1 && !name.is_ascii() && name.chars().all(|letter| letter as u32 >= 0x2e80));
    is_full.then(|| words.join(" "))
}

/// Which accounts are together so far.
struct Sets<'a> {
    parent: Vec<usize>,
    apart: Vec<(usize, usize)>,
    /// Of the first account of each person, where that person has accounts.
    platforms: Vec<BTreeSet<&'a str>>,
}

impl<'a> Sets<'a> {
    fn new(accounts: &[Account<'a>], apart: Vec<(usize, usize)>) -> Self {
        Self { parent: (0..accounts.len()).collect(), apart, platforms: accounts.iter().map(|account| BTreeSet::from([account.platform()])).collect() }
    }

    fn share_a_platform(&mut self, one: usize, other: usize) -> bool {
        let (one, other) = (self.first(one), self.first(other));
        !self.platforms[one].is_disjoint(&self.platforms[other])
    }

    /// The first account of the person that this one is.
    fn first(&mut self, account: usize) -> usize {
        let mut first = account;
        while self.parent[first] != first {
            first = self.parent[first];
        }
        let mut at = account;
        while self.parent[at] != first {
            at = std::mem::replace(&mut self.parent[at], first);
        }
        first
    }

    /// Joins two; false when they were one person, or are held apart.
    fn join(&mut self, one: usize, other: usize) -> bool {
        let (one, other) = (self.first(one), self.first(other));
        let (first, second) = (one.min(other), one.max(other));
        if first == second {
            return false;
        }
        for pair in 0..self.apart.len() {
            let (a, b) = self.apart[pair];
            let (a, b) = (self.first(a), self.first(b));
            if (a.min(b), a.max(b)) == (first, second) {
                return false;
            }
        }
        self.parent[second] = first;
        let platforms = std::mem::take(&mut self.platforms[second]);
        self.platforms[first].extend(platforms);
        true
    }
}

impl Groups<'_> {
    /// The rows of `person_identities`.
    pub(super) fn identities(&self, tenant: &str) -> Value {
        let row = |index: usize| {
            let account = &self.accounts[index];
            let held = self.held[index].as_ref();
            let related = held.map(|link| if link.one == index { link.other } else { link.one });
            json!({
                "tenant": tenant,
                "key": account.key,
                "person_key": self.key(index),
                "platform": account.platform(),
                "logins": account.logins,
                "names": account.names,
                "emails": account.emails,
                "rule": held.map_or("first", |link| link.rule.word()),
                "related_key": related.map(|related| self.accounts[related].key),
                "evidence": held.map(|link| link.evidence.as_str()).filter(|evidence| !evidence.is_empty()),
                "confidence": held.map_or(1.0, |link| link.rule.confidence()),
                "position": account.position,
            })
        };
        (0..self.accounts.len()).map(row).collect()
    }

    /// The rows of `people`.
    pub(super) fn people(&self, tenant: &str) -> Value {
        let mut members = BTreeMap::<usize, Vec<&Account<'_>>>::new();
        for (index, account) in self.accounts.iter().enumerate() {
            members.entry(self.person[index]).or_default().push(account);
        }
        let row = |(person, accounts): (usize, Vec<&Account<'_>>)| {
            let logins: BTreeSet<&str> = accounts.iter().flat_map(|account| account.logins.iter().copied()).collect();
            let emails: BTreeSet<&str> = accounts.iter().flat_map(|account| account.emails.iter().copied()).collect();
            let of = |platform: &'static str| accounts.iter().filter(move |account| account.platform() == platform);
            let name = accounts
                .iter()
                .flat_map(|account| account.names.iter().copied())
                .max_by_key(|name| (name.split_whitespace().count() > 1, std::cmp::Reverse(*name)));
            json!({
                "tenant": tenant,
                "key": self.key(person),
                "name": name.or_else(|| logins.first().copied()),
                "email": emails.iter().find(|email| !is_noreply(email)),
                "emails": emails,
                "logins": logins,
                "github_login": of("github").chain(of("git")).flat_map(|account| account.logins.iter()).next(),
                "linear_id": of("linear").next().and_then(|account| account.key.split_once(':')).map(|(_, id)| id),
                "slack_id": of("slack").next().and_then(|account| account.key.split_once(':')).map(|(_, id)| id),
                "platforms": accounts.iter().map(|account| account.platform()).collect::<BTreeSet<_>>(),
                "accounts": accounts.len(),
                "position": accounts.iter().map(|account| account.position).min(),
            })
        };
        members.into_iter().map(row).collect()
    }

    /// The key of the person that an account is.
    fn key(&self, account: usize) -> String {
        format!("person:{}", self.accounts[self.person[account]].key)
    }
}

#[cfg(test)]
mod tests;
