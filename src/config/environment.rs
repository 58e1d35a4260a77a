//! The environment's layer: `HOOKLAKE_` and a setting's path, and the well-known names of other systems.

use toml::{Table, Value};

use super::Error;

const PREFIX: &str = "HOOKLAKE_";

/// Variables that steer the command itself.
const NOT_SETTINGS: &[&str] = &["HOOKLAKE_CONFIG", "HOOKLAKE_TOKEN", "HOOKLAKE_URL"];

/// Well-known names and what they set; a later one wins over an earlier one.
const ALIASES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database.url"),
    ("DB_MAX_CONNECTIONS", "database.connections_max"),
    ("DB_CONNECTION_TIMEOUT", "database.connect_timeout_ms"),
    ("PORT", "server.port"),
    ("SERVER_PORT", "server.port"),
    ("WEBHOOK_PORT", "server.port"),
    ("MAX_EVENT_SIZE", "server.body_bytes_max"),
    ("LOG_LEVEL", "logging.level"),
    ("POSTGRES_CODEGEN_PASSWORD", "reader.password"),
];

/// Well-known names of secrets: the source, the current one, and the one before it.
const SECRETS: &[(&str, &[&str], &str)] = &[
    ("github", &["GITHUB_WEBHOOK_SECRET"], "GITHUB_WEBHOOK_SECRET_PREVIOUS"),
    ("linear", &["LINEAR_WEBHOOK_SECRET"], "LINEAR_WEBHOOK_SECRET_PREVIOUS"),
    ("slack", &["SLACK_WEBHOOK_SECRET", "SLACK_SIGNING_SECRET"], "SLACK_SIGNING_SECRET_PREVIOUS"),
];

/// The well-known name of what the readers' role is called, which it always is.
const READER_NAME: (&str, &str) = ("POSTGRES_CODEGEN_USER", crate::db::migrate::READER_ROLE);

/// The two halves of the name that a tunnel gives to the readers' door.
const TUNNEL_NAME: [&str; 2] = ["CLOUDFLARE_SUBDOMAIN", "CLOUDFLARE_DOMAIN"];

/// The parts of a database's address, under the two families of names that are in use.
const DATABASE_PARTS: &[[&str; 5]] =
    &[["POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"], ["DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD"]];

/// Lays the variables over the settings. `reference` knows every setting there is.
pub(super) fn apply(settings: &mut Table, reference: &Table, variables: impl IntoIterator<Item = (String, String)>) -> Result<(), Error> {
    let variables: Vec<(String, String)> = variables.into_iter().collect();
    // A variable that is there but empty sets nothing: `.env` files often leave names blank.
    let value_of = |name: &str| variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty());

    for (name, path) in ALIASES {
        if let Some(text) = value_of(name) {
            set(settings, path, name, text)?;
        }
    }
    for parts in DATABASE_PARTS {
        if let Some(url) = database_url(parts.map(value_of)) {
            set(settings, "database.url", parts[0], &url)?;
        }
    }
    if let (Some(subdomain), Some(domain)) = (value_of(TUNNEL_NAME[0]), value_of(TUNNEL_NAME[1])) {
        set(settings, "reader.address", TUNNEL_NAME[0], &format!("{subdomain}.{domain}"))?;
    }
    if let Some(other) = value_of(READER_NAME.0).filter(|name| *name != READER_NAME.1) {
        return Err(Error::Invalid(format!("environment variable {}: the role is called {}, not {other:?}", READER_NAME.0, READER_NAME.1)));
    }
    for (source, current, previous) in SECRETS {
        let current = current.iter().find_map(|name| value_of(name));
        let secrets: Vec<Value> = current.into_iter().chain(value_of(previous)).map(Value::from).collect();
        if !secrets.is_empty() {
            insert(settings, &format!("sources.{source}.secrets"), Value::Array(secrets));
        }
    }

    let mut known = Vec::new();
    leaves(reference, "", &mut known);
    for (name, text) in &variables {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        if NOT_SETTINGS.contains(&name.as_str()) {
            continue;
        }
        let Some(path) = known.iter().find(|path| variable_of(path) == rest) else {
            return Err(Error::Invalid(unknown(name, &known)));
        };
        if !text.is_empty() {
            set(settings, path, name, text)?;
        }
    }
    Ok(())
}

fn variable_of(path: &str) -> String {
    path.replace('.', "_").to_uppercase()
}

fn unknown(name: &str, known: &[String]) -> String {
    let section = name.trim_start_matches(PREFIX).split('_').next().unwrap_or_default();
    let near: Vec<String> =
        known.iter().map(|path| format!("{PREFIX}{}", variable_of(path))).filter(|known| known[PREFIX.len()..].starts_with(section)).collect();
    let hint = if near.is_empty() { "`hooklake config show` lists them all".to_owned() } else { format!("did you mean one of {}?", near.join(", ")) };
    format!("environment variable {name} is not a setting; {hint}")
}

/// The paths of every setting that is not itself a table.
fn leaves(table: &Table, prefix: &str, found: &mut Vec<String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) => leaves(inner, &path, found),
            _ => found.push(path),
        }
    }
}

/// Sets a value, read as the kind that the setting has now.
fn set(settings: &mut Table, path: &str, name: &str, text: &str) -> Result<(), Error> {
    let wrong = |kind: &str| Error::Invalid(format!("environment variable {name} (setting {path}): {text:?} is not {kind}"));
    let value = match get(settings, path) {
        Some(Value::Integer(_)) => Value::Integer(text.trim().parse().map_err(|_| wrong("a whole number"))?),
        Some(Value::Boolean(_)) => Value::Boolean(text.trim().parse().map_err(|_| wrong("true or false"))?),
        Some(Value::Array(_)) => Value::Array(text.split(',').map(|item| Value::from(item.trim())).collect()),
        _ => Value::from(text),
    };
    insert(settings, path, value);
    Ok(())
}

fn get<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        Some((head, rest)) => get(table.get(head)?.as_table()?, rest),
        None => table.get(path),
    }
}

fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        Some((head, rest)) => {
            if let Value::Table(inner) = table.entry(head).or_insert_with(|| Value::Table(Table::new())) {
                insert(inner, rest, value);
            }
        }
        None => {
            table.insert(path.to_owned(), value);
        }
    }
}

fn database_url([host, port, name, user, password]: [Option<&str>; 5]) -> Option<String> {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let login = match (user, password) {
        (Some(user), Some(password)) => format!("{}:{}@", encode(user), encode(password)),
        (Some(user), None) => format!("{}@", encode(user)),
        (None, _) => String::new(),
    };
    Some(format!("postgres://{login}{}:{}/{}", host?, port.unwrap_or("5432"), name.unwrap_or("postgres")))
}
