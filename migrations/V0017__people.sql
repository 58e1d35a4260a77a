-- People: which accounts and addresses are the same human, and what says so. Written by the consumer "people"
-- (src/projectors/people) alone; made again from the log at will.

SET LOCAL search_path = projections, public;

CREATE TABLE hooklake.unsettled_claims (
    tenant   text NOT NULL,
    identity text NOT NULL,
    kind     text NOT NULL,
    value    text NOT NULL
);
COMMENT ON TABLE hooklake.unsettled_claims IS 'Claims whose evidence is being cut by a redaction; empty outside its transaction.';

CREATE TABLE person_evidence (
    "position" bigint NOT NULL,
    tenant     text   NOT NULL,
    identity   text   NOT NULL,
    kind       text   NOT NULL,
    value      text   NOT NULL,
    PRIMARY KEY ("position", identity, kind, value)
);
CREATE INDEX person_evidence_claim ON person_evidence (tenant, identity, kind, value, "position");

COMMENT ON TABLE person_evidence IS 'Every time an event said something of an account: what it is called, the name or email address of the person.';
COMMENT ON COLUMN person_evidence."position" IS 'The event; join with events on it.';
COMMENT ON COLUMN person_evidence.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN person_evidence.identity IS 'The account; person_identities.key.';
COMMENT ON COLUMN person_evidence.kind IS 'exists, login, name or email.';
COMMENT ON COLUMN person_evidence.value IS 'The login, name or address; "yes" for exists. Untrusted.';

CREATE TABLE person_claims (
    tenant     text   NOT NULL,
    identity   text   NOT NULL,
    kind       text   NOT NULL,
    value      text   NOT NULL,
    "position" bigint NOT NULL,
    PRIMARY KEY (tenant, identity, kind, value)
);
COMMENT ON TABLE person_claims IS 'What any event says of accounts, once each: the evidence behind person_identities.';
COMMENT ON COLUMN person_claims.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN person_claims.identity IS 'The account; person_identities.key.';
COMMENT ON COLUMN person_claims.kind IS 'exists, login, name or email.';
COMMENT ON COLUMN person_claims.value IS 'The login, name or address; "yes" for exists. Untrusted.';
COMMENT ON COLUMN person_claims."position" IS 'The first event that says it; join with events on it.';

CREATE TABLE people_map (
    "position" bigint NOT NULL PRIMARY KEY,
    map        jsonb  NOT NULL
);
COMMENT ON TABLE people_map IS 'What was configured under [people], and when in the log; the newest row counts.';
COMMENT ON COLUMN people_map."position" IS 'The record in the log.';
COMMENT ON COLUMN people_map.map IS 'same: lists of accounts of one person; apart: lists of accounts of different people.';

CREATE TABLE person_identities (
    tenant      text             NOT NULL,
    key         text             NOT NULL,
    person_key  text             NOT NULL,
    platform    text             NOT NULL,
    logins      text[]           NOT NULL,
    names       text[]           NOT NULL,
    emails      text[]           NOT NULL,
    rule        text             NOT NULL,
    related_key text,
    evidence    text,
    confidence  double precision NOT NULL CHECK (confidence > 0 AND confidence <= 1),
    "position"  bigint           NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX person_identities_person ON person_identities (tenant, person_key);

COMMENT ON TABLE person_identities IS 'Accounts of people on every platform, one row each, with the person that each belongs to and why. author_key, reviewer_key, user_key, … of other tables are its key. Bots are not among them.';
COMMENT ON COLUMN person_identities.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN person_identities.key IS 'github:<number>, linear:<id>, slack:<user id>, or git:<email> for an author of commits.';
COMMENT ON COLUMN person_identities.person_key IS 'people.key of whose account it is.';
COMMENT ON COLUMN person_identities.platform IS 'github, linear, slack or git.';
COMMENT ON COLUMN person_identities.logins IS 'What it was ever called on its platform.';
COMMENT ON COLUMN person_identities.names IS 'What its person was ever called. Untrusted.';
COMMENT ON COLUMN person_identities.emails IS 'Addresses of its person, in lower case.';
COMMENT ON COLUMN person_identities.rule IS 'The surest reason for which it is with related_key: map (configured), noreply (GitHub''s own address for commits), commit_login (GitHub names the commit''s author), email (the same address), name (they alone have this full name); first when it is with no other.';
COMMENT ON COLUMN person_identities.related_key IS 'The account that the rule holds it with.';
COMMENT ON COLUMN person_identities.evidence IS 'The login, address or name that both have; person_claims has the event that says so.';
COMMENT ON COLUMN person_identities.confidence IS 'How sure the rule is: 1 for map and noreply, 0.99 commit_login, 0.95 email, 0.7 name.';
COMMENT ON COLUMN person_identities."position" IS 'The first event that shows the account.';

CREATE TABLE people (
    tenant       text   NOT NULL,
    key          text   NOT NULL,
    name         text,
    email        text,
    emails       text[] NOT NULL,
    logins       text[] NOT NULL,
    github_login text,
    linear_id    text,
    slack_id     text,
    platforms    text[] NOT NULL,
    accounts     bigint NOT NULL,
    "position"   bigint NOT NULL,
    PRIMARY KEY (tenant, key)
);
COMMENT ON TABLE people IS 'Humans, one row each, with their accounts on every platform brought together; person_identities says why. Wrongly joined or kept apart: configure it under [people].';
COMMENT ON COLUMN people.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN people.key IS 'person: and the key of the first account. It changes when accounts come together, so do not keep it.';
COMMENT ON COLUMN people.name IS 'Full name if any account has one, else a login. Untrusted.';
COMMENT ON COLUMN people.email IS 'An address that takes mail, if one is known.';
COMMENT ON COLUMN people.emails IS 'All addresses, in lower case.';
COMMENT ON COLUMN people.logins IS 'What the accounts were ever called.';
COMMENT ON COLUMN people.github_login IS 'Login at GitHub.';
COMMENT ON COLUMN people.linear_id IS 'Id of the user in Linear.';
COMMENT ON COLUMN people.slack_id IS 'Id of the user in Slack.';
COMMENT ON COLUMN people.platforms IS 'Where the person has accounts: github, linear, slack, git (commits).';
COMMENT ON COLUMN people.accounts IS 'How many accounts there are.';
COMMENT ON COLUMN people."position" IS 'The first event that shows any of them.';
