//! Requests that want to slip in, hold on or wear out (RELIABILITY B24, B29–B42), tried on the wire.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{TestApp, github_signature, wait_until};
use crate::limits::{exchange, read_all, signed, status};

async fn stored(app: &TestApp) -> i64 {
    app.db.number("SELECT count(*) FROM log.envelopes").await
}

async fn github_from(app: &TestApp, id: &str, forwarded: &[&str]) -> u16 {
    let body = format!("{{\"id\":\"{id}\"}}");
    let mut request = app.client.post(app.url("/webhook/github")).header("X-GitHub-Event", "push").header("X-GitHub-Delivery", id);
    request = request.header("X-Hub-Signature-256", github_signature(body.as_bytes()));
    for addresses in forwarded {
        request = request.header("X-Forwarded-For", *addresses);
    }
    request.body(body).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn an_address_must_be_allowed_and_cannot_be_claimed() {
    let app = TestApp::start_with(&[("HOOKLAKE_SOURCES_GITHUB_ALLOW_IPS", "192.0.2.0/24,2001:db8::/32")]).await;
    assert_eq!(github_from(&app, "a", &[]).await, 403);
    assert_eq!(github_from(&app, "b", &["192.0.2.7"]).await, 403, "anyone can write the header");
    assert_eq!(stored(&app).await, 0);
    assert_eq!(app.linear("l", &serde_json::json!({"webhookTimestamp": chrono::Utc::now().timestamp_millis()})).await.status, 200, "the others are open");
    let metrics = app.client.get(app.url("/metrics")).bearer_auth(&app.token).send().await.expect("metrics").text().await.expect("text");
    assert!(metrics.contains("hooklake_refused_total{reason=\"address\",source=\"github\"} 2"), "{metrics}");
    app.stop().await;

    let settings = [("HOOKLAKE_SOURCES_GITHUB_ALLOW_IPS", "192.0.2.0/24"), ("HOOKLAKE_SERVER_TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8")];
    let app = TestApp::start_with(&settings).await;
    assert_eq!(github_from(&app, "c", &["192.0.2.7"]).await, 200, "the proxy says so");
    assert_eq!(github_from(&app, "d", &["192.0.2.7, 10.1.2.3"]).await, 200, "through two proxies");
    assert_eq!(github_from(&app, "e", &["192.0.2.7", "203.0.113.5"]).await, 403, "the sender wrote the first itself");
    assert_eq!(github_from(&app, "f", &["unknown"]).await, 403);
    assert_eq!(github_from(&app, "g", &[]).await, 403, "the proxy itself is not allowed");
    assert_eq!(stored(&app).await, 2);
    app.stop().await;
}

#[tokio::test]
async fn two_lengths_let_nothing_slip_in_behind() {
    let app = TestApp::start_with(&[("HOOKLAKE_SERVER_HEADERS_TIMEOUT_MS", "1000")]).await;
    let body = b"{\"a\":1}";
    let head = format!(
        "POST /webhook/github HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: two\r\nX-Hub-Signature-256: {}\r\n",
        github_signature(body)
    );
    let hidden = "POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    for lengths in ["Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"] {
        let answer = exchange(&app, format!("{head}{lengths}\r\n7\r\n{{\"a\":1}}\r\n0\r\n\r\n{hidden}").as_bytes()).await;
        // The chunks count, the length does not, and the connection ends, so that what a proxy took for the body's rest is
        // nobody's request.
        assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), ("200", 1), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    }
    for coding in ["chunked, identity", "gzip, chunked", "xchunked", "identity"] {
        let answer = exchange(&app, format!("{head}Transfer-Encoding: {coding}\r\n\r\n7\r\n{{\"a\":1}}\r\n0\r\n\r\n{hidden}").as_bytes()).await;
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{coding}: {answer}");
        assert_ne!(status(&answer), "200", "{coding}: {answer}");
    }
    assert_eq!(stored(&app).await, 1, "one delivery, told twice");
    assert_eq!(app.db.number("SELECT octet_length(body)::bigint FROM log.envelopes").await, 7);
    app.stop().await;
}

#[tokio::test]
async fn a_body_has_its_time_however_it_crawls() {
    let app = TestApp::start_with(&[("HOOKLAKE_SERVER_BODY_TIMEOUT_MS", "700")]).await;
    // One byte at a time, for ever: with a length, and in chunks of one byte.
    for (lengths, piece) in [("Content-Length: 100000\r\n", &b"x"[..]), ("Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n")] {
        let mut stream = TcpStream::connect(app.app.address).await.expect("connected");
        stream.write_all(&signed(b"", lengths)).await.expect("sent");
        let (mut reader, mut writer) = stream.into_split();
        let dripping = tokio::spawn(async move {
            while writer.write_all(piece).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let mut answer = [0; 12];
        reader.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 408", "{lengths}");
        drop(reader);
        dripping.abort();
    }
    // A length that is more than what comes.
    let mut short = signed(b"{}", "Content-Length: 50\r\n");
    short.extend_from_slice(b"{}");
    let mut stream = TcpStream::connect(app.app.address).await.expect("connected");
    stream.write_all(&short).await.expect("sent");
    drop(stream);
    assert_eq!(app.github("push", "after", "{}").await.status, 200, "and others are served");
    assert_eq!(stored(&app).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn chunks_are_only_framing() {
    let app = TestApp::start_with(&[("HOOKLAKE_SERVER_BODY_TIMEOUT_MS", "5000")]).await;
    let send = async |body: &[u8], chunks: &str| {
        let mut request = signed(body, "Transfer-Encoding: chunked\r\n");
        request.extend_from_slice(chunks.as_bytes());
        status(&exchange(&app, &request).await).to_owned()
    };
    assert_eq!(send(b"{\"t\":1}", "7\r\n{\"t\":1}\r\n0\r\nX-Trailer: {\"u\":2}\r\n\r\n").await, "200", "a trailer is no part of the body");
    assert_eq!(send(b"{\"e\":1}", "7;note=\"x\"\r\n{\"e\":1}\r\n0\r\n\r\n").await, "200", "nor is an extension");
    for bad in ["-1\r\nx\r\n0\r\n\r\n", "7\r\n{\"n\":1}0\r\n\r\n", "ffffffffffffffffff\r\nx", "\r\n\r\n"] {
        assert_eq!(send(b"{\"n\":1}", bad).await, "400", "{bad:?}");
    }
    assert_eq!(send(b"{\"n\":1}", "ffffffffffffffff\r\nx").await, "408", "nothing is set aside for a chunk that only claims to be large");
    let long_extension = format!("7;{}\r\n{{\"x\":1}}\r\n0\r\n\r\n", "a".repeat(1 << 20));
    assert_eq!(send(b"{\"x\":1}", &long_extension).await, "400", "an extension without end");
    assert_eq!(stored(&app).await, 2);
    let kept = app.db.rows("SELECT convert_from(body, 'UTF8') FROM log.envelopes ORDER BY position").await;
    assert_eq!(kept.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["{\"t\":1}", "{\"e\":1}"]);
    app.stop().await;
}

#[tokio::test]
async fn a_body_is_not_asked_for_when_the_head_decides() {
    let app = TestApp::start_with(&[("HOOKLAKE_SERVER_BODY_BYTES_MAX", "1000")]).await;
    let too_large = signed(b"", "Expect: 100-continue\r\nContent-Length: 1001\r\n");
    let answer = exchange(&app, &too_large).await;
    assert_eq!(status(&answer), "413", "{answer}");
    for token in ["", "Authorization: Bearer hl_wrong\r\n"] {
        let request = format!("POST /events/custom HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{token}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
        let answer = exchange(&app, request.as_bytes()).await;
        assert_eq!(status(&answer), "401", "{answer}");
    }
    // With what might be right the body is asked for, and what is wrong is told after it.
    let mut stream = TcpStream::connect(app.app.address).await.expect("connected");
    stream.write_all(&signed(b"other", "Expect: 100-continue\r\nContent-Length: 2\r\n")).await.expect("sent");
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.expect("asked");
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").await.expect("sent");
    assert_eq!(status(&read_all(&mut stream).await), "401");
    assert_eq!(stored(&app).await, 0);
    app.stop().await;
}

/// As many connections as this process may open, and no more than 5,000; both ends are in it.
fn silent_connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    (files.unwrap_or(1024).saturating_sub(400) / 2).min(5000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_silent_connections_keep_nobody_out() {
    let app = TestApp::start_with(&[("HOOKLAKE_SERVER_HEADERS_TIMEOUT_MS", "3000")]).await;
    let count = silent_connections();
    let mut silent = Vec::with_capacity(count);
    for _ in 0..count {
        silent.push(TcpStream::connect(app.app.address).await.expect("connected"));
    }
    println!("{count} silent connections");
    assert_eq!(app.github("push", "served", "{}").await.status, 200, "accepting goes on");
    for stream in &mut silent {
        let answer = read_all(stream).await;
        assert!(matches!(status(&answer), "408" | "none"), "{answer}");
    }
    wait_until("a new connection is served", async || app.github("push", "again", "[]").await.status == 200).await;
    app.stop().await;
}
