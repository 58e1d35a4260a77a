//! Settings: where each may come from, and what is refused.

use super::*;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(file.path()), variables).map_err(|error| error.to_string())
}

#[test]
fn the_reference_file_is_the_default() {
    let config = load("", &[]).expect("the defaults are valid");
    assert_eq!((config.server.host.as_str(), config.server.port), ("127.0.0.1", 8080));
    assert_eq!(config.server.body_bytes_max, 25 << 20);
    assert!(config.sources.github.secrets().is_empty());
}

#[test]
fn later_layers_win() {
    let file = "[server]\nport = 1\n[sources.github]\nsecrets = [\"from-file\"]";
    let secret = |config: &Config| config.sources.github.secrets().iter().map(|secret| secret.text().to_owned()).collect::<Vec<_>>();
    let config = load(file, &[]).expect("valid");
    assert_eq!((config.server.port, secret(&config)), (1, vec!["from-file".to_owned()]));
    let config = load(file, &[("PORT", "2"), ("GITHUB_WEBHOOK_SECRET", "new,with comma"), ("GITHUB_WEBHOOK_SECRET_PREVIOUS", "old")]).expect("valid");
    assert_eq!((config.server.port, secret(&config)), (2, vec!["new,with comma".to_owned(), "old".to_owned()]));
    let config = load(file, &[("PORT", "2"), ("HOOKLAKE_SERVER_PORT", "3"), ("HOOKLAKE_SOURCES_GITHUB_SECRETS", "a, b")]).expect("valid");
    assert_eq!((config.server.port, secret(&config)), (3, vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn the_database_can_be_named_in_parts() {
    let config = load("", &[("POSTGRES_HOST", "db"), ("POSTGRES_DB", "events"), ("POSTGRES_USER", "me"), ("POSTGRES_PASSWORD", "a b/c")]).expect("valid");
    assert_eq!(config.database.url, "postgres://me:a%20b%2Fc@db:5432/events");
}

#[test]
fn what_is_wrong_is_named() {
    for (file, variables, parts) in [
        ("[server]\nprot = 1", &[][..], &["server", "prot"][..]),
        ("[server]\nport = \"x\"", &[], &["server.port"]),
        ("[server]\nport = 70000", &[], &["server.port"]),
        ("colour = 1", &[], &["colour"]),
        ("[server", &[], &["not TOML", "line 1"]),
        ("", &[("HOOKLAKE_SERVER_PROT", "1")], &["HOOKLAKE_SERVER_PROT", "HOOKLAKE_SERVER_PORT"]),
        ("", &[("HOOKLAKE_X", "1")], &["HOOKLAKE_X", "config show"]),
        ("", &[("PORT", "eighty")], &["PORT", "eighty", "whole number"]),
        ("", &[("HOOKLAKE_SOURCES_SLACK_ENABLED", "yes")], &["HOOKLAKE_SOURCES_SLACK_ENABLED", "true or false"]),
        ("[sources.custom.github]\nsecrets=[\"x\"]", &[], &["sources.custom.github", "hooklake's own"]),
        ("[sources.custom.wh_x]\nsecrets=[\"x\"]", &[], &["wh_"]),
        ("[sources.custom.Shop]\nsecrets=[\"x\"]", &[], &["a-z"]),
        ("[sources.custom.shop]\nsecrets=[\"\"]", &[], &["sources.custom.shop", "anyone could write"]),
        ("[[sources.custom.shop.verifications]]\nheader_location=\"X\"\nsecret=\"s\"\nalgorithm=\"md5\"", &[], &["sources.custom.shop.verifications", "md5"]),
        (
            "[[correlation.rules]]\nname = \"x\"\nfield = \"/a\"\npattern = \"(\"\nkind = \"issue\"\nsubject = \"x:1\"",
            &[],
            &["correlation.rules[0]", "does not compile"],
        ),
        ("", &[("POSTGRES_CODEGEN_PASSWORD", "short")], &["reader.password", "12 to 200"]),
        ("", &[("POSTGRES_CODEGEN_USER", "somebody")], &["POSTGRES_CODEGEN_USER", "codegen_readonly"]),
        ("[server]\nbodies_in_flight_bytes_max = 1", &[], &["bodies_in_flight_bytes_max"]),
    ] {
        let message = load(file, variables).expect_err(file);
        for part in parts {
            assert!(message.contains(part), "{message:?} does not name {part:?}");
        }
    }
}

#[test]
fn a_secret_is_not_in_the_message() {
    for (file, place) in [("[sources.github]\nsecrets = [\"hunter2\", 5]", "secrets"), ("# ä\n[sources.github]\nsecrets = [\"hunter2]\n", "line 3, column")] {
        let message = load(file, &[]).expect_err("not a text");
        assert!(!message.contains("hunter2") && message.contains(place), "{message}");
    }
}

#[test]
fn readers_are_not_listened_to_in_the_clear_from_afar() {
    for (file, expected) in [
        ("listen = \"0.0.0.0:5433\"", "reader.tls_cert"),
        ("listen = \"[::]:5433\"", "reader.tls_cert"),
        ("listen = \"5433\"", "is not an address and a port"),
        ("listen = \"127.0.0.1:0\"", "name the port"),
        ("listen = \"127.0.0.1:5433\"\ntls_cert = \"cert.pem\"", "one needs the other"),
        ("statement_timeout_ms = 0", "must be 1 to"),
        ("work_mem_mb = 4000000", "must be 1 to"),
        ("address = \"db.example.com:port\"", "name:port"),
    ] {
        let refused = load(&format!("[reader]\n{file}"), &[]).expect_err(file);
        assert!(refused.contains(expected), "{file}: {refused}");
    }
    load("[reader]\nlisten = \"0.0.0.0:5433\"\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"", &[]).expect("with TLS it may");
    let mine = load("[reader]\nlisten = \"127.0.0.1:5433\"", &[("DATABASE_URL", "postgres://u@h/d")]).expect_err("not ours to configure");
    assert!(mine.contains("embedded PostgreSQL"), "{mine}");
    let tunnel = load("", &[("CLOUDFLARE_SUBDOMAIN", "events-db"), ("CLOUDFLARE_DOMAIN", "example.com")]).expect("valid");
    assert_eq!(tunnel.reader.address, "events-db.example.com");
}
