//! Who is who, by claims written out by hand.

use super::super::claims::Claim;
use super::*;

fn known(claims: &[(&str, What, &str)]) -> Vec<Known> {
    let claim = |(position, (identity, what, value)): (usize, &(&str, What, &str))| Known {
        claim: Claim { identity: (*identity).to_owned(), what: *what, value: (*value).to_owned() },
        position: i64::try_from(position).expect("few"),
    };
    claims.iter().enumerate().map(claim).collect()
}

/// Every person as its accounts, and of each account the rule that holds it.
fn grouped(claims: &[(&str, What, &str)], map: &PeopleMap) -> Vec<Vec<String>> {
    let known = known(claims);
    let groups = group(&known, map);
    let mut people = BTreeMap::<usize, Vec<String>>::new();
    for (index, account) in groups.accounts.iter().enumerate() {
        let rule = groups.held[index].as_ref().map_or("first", |link| link.rule.word());
        people.entry(groups.person[index]).or_default().push(format!("{} {rule}", account.key));
    }
    people.into_values().collect()
}

const ADA: &[(&str, What, &str)] = &[
    ("github:7", What::Login, "ada"),
    ("git:ada@x.org", What::Login, "Ada"),
    ("git:ada@x.org", What::Email, "ada@x.org"),
    ("git:ada@x.org", What::Name, "Ada Lovelace"),
    ("linear:a", What::Email, "ada@x.org"),
    ("slack:U1", What::Name, "ada  LOVELACE"),
    ("slack:U2", What::Login, "ada"),
];

#[test]
fn rules_join_from_the_surest_on() {
    assert_eq!(
        grouped(ADA, &PeopleMap::default()),
        [vec!["github:7 commit_login", "linear:a email", "slack:U1 name", "git:ada@x.org commit_login"], vec!["slack:U2 first"]],
        "a login at Slack is no login at GitHub"
    );
}

#[test]
fn order_decides_nothing() {
    let forward = grouped(ADA, &PeopleMap::default());
    let backward: Vec<_> = ADA.iter().rev().copied().collect();
    assert_eq!(grouped(&backward, &PeopleMap::default()), forward);
}

#[test]
fn the_map_joins_and_holds_apart() {
    let map = PeopleMap { same: vec!["github:ada slack:U2".to_owned()], apart: vec!["ADA@x.org slack:u1".to_owned()] };
    assert_eq!(
        grouped(ADA, &map),
        [vec!["github:7 map", "linear:a email", "slack:U2 map", "git:ada@x.org commit_login"], vec!["slack:U1 first"]],
        "an address of two accounts holds neither apart from the other"
    );
}

#[test]
fn a_login_that_was_handed_on_joins_nobody() {
    let claims = [("github:7", What::Login, "ada"), ("github:9", What::Login, "ada"), ("git:a@x.org", What::Login, "ada")];
    assert_eq!(grouped(&claims, &PeopleMap::default()).len(), 3);
    let address = "ada@users.noreply.github.com";
    let claims = [("github:7", What::Login, "ada"), ("github:9", What::Login, "Ada"), ("git:ada@users.noreply.github.com", What::Email, address)];
    assert_eq!(grouped(&claims, &PeopleMap::default()).len(), 3, "nor does an old address with it");
}

#[test]
fn namesakes_stay_apart() {
    let name = |identity| (identity, What::Name, "Wei Zhang");
    assert_eq!(grouped(&[name("linear:a"), name("slack:U1"), name("slack:U2")], &PeopleMap::default()).len(), 3, "which of two it is nobody can say");
    assert_eq!(grouped(&[name("linear:a"), name("linear:b")], &PeopleMap::default()).len(), 2, "one person has one account there");
    assert_eq!(grouped(&[name("linear:a"), name("slack:U1")], &PeopleMap::default()).len(), 1);
    assert_eq!(grouped(&[name("linear:a"), name("slack:U1"), name("git:w@x.org")], &PeopleMap::default()).len(), 1);
    let first = |identity| (identity, What::Name, "Wei");
    assert_eq!(grouped(&[first("linear:a"), first("slack:U1")], &PeopleMap::default()).len(), 2, "a first name is many people's");
    let japanese = |identity| (identity, What::Name, "中村さくら");
    assert_eq!(grouped(&[japanese("linear:a"), japanese("slack:U1")], &PeopleMap::default()).len(), 1);
}

#[test]
fn an_address_of_two_people_makes_them_no_one_person() {
    for grace in ["linear:g", "slack:U1"] {
        let claims = [
            ("git:deploy@ci", What::Email, "deploy@ci"),
            ("git:deploy@ci", What::Name, "Ada Lovelace"),
            ("git:deploy@ci", What::Name, "Grace Hopper"),
            ("linear:a", What::Name, "Ada Lovelace"),
            (grace, What::Name, "Grace Hopper"),
        ];
        let found = grouped(&claims, &PeopleMap::default());
        assert_eq!(found, [vec!["linear:a first".to_owned()], vec![format!("{grace} first")], vec!["git:deploy@ci first".to_owned()]]);
    }
    let claims = [("git:a@x.org", What::Name, "Ada Lovelace"), ("git:a@x.org", What::Name, "ada  LOVELACE"), ("linear:a", What::Name, "Ada Lovelace")];
    assert_eq!(grouped(&claims, &PeopleMap::default()).len(), 1, "one name, written in two ways");
}

#[test]
fn addresses_that_nobody_reads_name_accounts_only() {
    let claims = [
        ("github:7", What::Login, "ada"),
        ("github:8", What::Login, "grace"),
        ("git:7+old@users.noreply.github.com", What::Email, "7+old@users.noreply.github.com"),
        ("git:grace@users.noreply.github.com", What::Email, "grace@users.noreply.github.com"),
        ("linear:a", What::Email, "noreply@x.org"),
        ("slack:U1", What::Email, "noreply@x.org"),
    ];
    assert_eq!(
        grouped(&claims, &PeopleMap::default()),
        [
            vec!["github:7 noreply", "git:7+old@users.noreply.github.com noreply"],
            vec!["github:8 noreply", "git:grace@users.noreply.github.com noreply"],
            vec!["linear:a first"],
            vec!["slack:U1 first"],
        ]
    );
}
