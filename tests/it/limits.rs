//! What a request may cost: sizes, times and forms, tried on the wire (RELIABILITY B26–B46).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{TestApp, github_signature};

/// Sends bytes as they are and returns all that comes back until the server closes.
pub async fn exchange(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.app.address).await.expect("connected");
    // The server may answer and close before everything is sent.
    drop(stream.write_all(bytes).await);
    read_all(&mut stream).await
}

pub async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = async {
        let mut piece = [0; 4096];
        while let Ok(count) = stream.read(&mut piece).await {
            if count == 0 {
                break;
            }
            answer.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(Duration::from_secs(40), reading).await.expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

pub fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

pub fn signed(body: &[u8], headers: &str) -> Vec<u8> {
    let head = format!(
        "POST /webhook/github HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: {}\r\nX-Hub-Signature-256: {}\r\n{headers}\r\n",
        hex::encode(&body[..body.len().min(8)]),
        github_signature(body)
    );
    head.into_bytes()
}

#[tokio::test]
async fn bodies_up_to_the_limit_are_kept_and_larger_ones_are_not_read() {
    let app = TestApp::start_with(&[("HOOKLAKE_SERVER_BODY_BYTES_MAX", "100000")]).await;
    let at_limit = vec![b'a'; 100_000];
    assert_eq!(app.github("push", "at", &at_limit).await.status, 200);
    let beyond_limit = vec![b'b'; 100_001];
    let mut request = signed(&beyond_limit, "Content-Length: 100001\r\n");
    request.extend_from_slice(&beyond_limit);
    assert_eq!(status(&exchange(&app, &request).await), "413");
    let claims_a_gigabyte = signed(b"", "Content-Length: 1000000000\r\n");
    assert_eq!(status(&exchange(&app, &claims_a_gigabyte).await), "413");
    let mut endless = signed(b"", "Transfer-Encoding: chunked\r\n");
    for _ in 0..60 {
        endless.extend_from_slice(format!("800\r\n{}\r\n", "c".repeat(2048)).as_bytes());
    }
    assert_eq!(status(&exchange(&app, &endless).await), "413");
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn a_body_of_25_megabytes_is_kept() {
    let app = TestApp::start().await;
    let mut body = br#"{"ref":"refs/heads/main","x":""#.to_vec();
    body.resize((25 << 20) - 2, b'y');
    body.extend_from_slice(b"\"}");
    // A busy machine may ask for it again.
    crate::harness::wait_until("it is stored", async || app.github("push", "large", &body).await.status == 200).await;
    assert_eq!(app.db.number("SELECT octet_length(body)::bigint FROM log.envelopes").await, 25 << 20);
    app.caught_up().await;
    app.stop().await;
}

#[tokio::test]
async fn a_body_may_come_in_chunks_but_not_in_two_lengths() {
    let app = TestApp::start().await;
    let mut chunked = signed(b"{\"a\":1}", "Transfer-Encoding: chunked\r\n");
    chunked.extend_from_slice(b"3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n");
    assert_eq!(status(&exchange(&app, &chunked).await), "200");
    let mut bad = signed(b"{\"a\":2}", "Transfer-Encoding: chunked\r\n");
    bad.extend_from_slice(b"zz\r\n{\"a\":2}\r\n0\r\n\r\n");
    assert_eq!(status(&exchange(&app, &bad).await), "400");
    let mut huge = signed(b"{\"a\":3}", "Transfer-Encoding: chunked\r\n");
    huge.extend_from_slice(b"fffffffffffffffff\r\n{\"a\":3}\r\n0\r\n\r\n");
    assert_eq!(status(&exchange(&app, &huge).await), "400");
    let mut smuggled = signed(b"{\"a\":4}", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n");
    smuggled.extend_from_slice(b"7\r\n{\"a\":4}\r\n0\r\n\r\nPOST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    let answer = exchange(&app, &smuggled).await;
    assert!(answer.matches("HTTP/1.1").count() <= 1, "one request, one answer: {answer}");
    let mut two_lengths = signed(b"{\"a\":5}", "Content-Length: 7\r\nContent-Length: 8\r\n");
    two_lengths.extend_from_slice(b"{\"a\":5}");
    assert_eq!(status(&exchange(&app, &two_lengths).await), "400");
    assert!(app.db.number("SELECT count(*) FROM log.envelopes").await <= 2);
    app.stop().await;
}

#[tokio::test]
async fn a_body_that_stops_or_crawls_is_given_up() {
    let app = TestApp::start_with(&[("HOOKLAKE_SERVER_BODY_TIMEOUT_MS", "300")]).await;
    let mut stalls = signed(b"{\"a\":1}", "Content-Length: 7\r\n");
    stalls.extend_from_slice(b"{\"a");
    assert_eq!(status(&exchange(&app, &stalls).await), "408");

    let mut breaks_off = TcpStream::connect(app.app.address).await.expect("connected");
    breaks_off.write_all(&stalls).await.expect("sent");
    breaks_off.shutdown().await.expect("half closed");
    let answer = read_all(&mut breaks_off).await;
    assert!(matches!(status(&answer), "400" | "408" | "none"), "{answer}");
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn silent_connections_are_closed_and_others_are_served() {
    let app = TestApp::start_with(&[("HOOKLAKE_SERVER_HEADERS_TIMEOUT_MS", "500")]).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(app.app.address).await.expect("connected"));
    }
    assert_eq!(app.github("push", "served", "{}").await.status, 200);
    for mut stream in silent {
        let answer = read_all(&mut stream).await;
        assert!(matches!(status(&answer), "408" | "none"), "{answer}");
    }
    app.stop().await;
}

#[tokio::test]
async fn odd_requests_get_a_clear_refusal() {
    let app = TestApp::start().await;
    let many_headers = (0..500).map(|number| format!("X-H-{number}: 1\r\n")).collect::<Vec<_>>().concat();
    assert_eq!(status(&exchange(&app, &signed(b"", &many_headers)).await), "431");
    let long_header = format!("X-Long: {}\r\n", "a".repeat(64 << 10));
    assert_eq!(status(&exchange(&app, &signed(b"", &long_header)).await), "431");
    for encoding in ["gzip", "br", "zstd"] {
        let answer = app.post("/webhook/github", &[("Content-Encoding", encoding), ("X-Hub-Signature-256", &github_signature(b"x"))], "x").await;
        assert_eq!(answer.status, 415, "{encoding}");
    }
    for method in ["GET", "PUT", "DELETE", "TRACE", "PATCH"] {
        let request = format!("{method} /webhook/github HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Canary: echo-me\r\nContent-Length: 0\r\n\r\n");
        let answer = exchange(&app, request.as_bytes()).await;
        assert_eq!(status(&answer), "405", "{method}: {answer}");
        assert!(!answer.contains("echo-me"));
    }
    for path in ["/webhook/..%2fgithub", "/webhook/%00", "/webhook/%252e", &format!("/webhook/{}", "a".repeat(8 << 10))] {
        let request = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let answer = exchange(&app, request.as_bytes()).await;
        assert!(matches!(status(&answer), "400" | "404" | "414" | "431"), "{path}: {answer}");
    }
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn memory_for_bodies_is_bounded() {
    let limits = [
        ("HOOKLAKE_SERVER_BODY_BYTES_MAX", "1000000"),
        ("HOOKLAKE_SERVER_BODIES_IN_FLIGHT_BYTES_MAX", "1000000"),
        ("HOOKLAKE_SERVER_BODY_TIMEOUT_MS", "240000"),
    ];
    let app = TestApp::start_with(&limits).await;
    let mut request = signed(b"", "Content-Length: 950000\r\n");
    request.resize(request.len() + 900_000, b'x');
    let (holder, answer) = crate::harness::wait_for(async || {
        // Holds most of the memory without ever finishing, unless the other was read before it.
        let mut holder = TcpStream::connect(app.app.address).await.expect("connected");
        holder.write_all(&request).await.expect("sent");
        let answer = app.github("push", "too-much", vec![b'y'; 500_000]).await;
        (answer.status == 503).then_some((holder, answer))
    })
    .await;
    assert!(answer.headers.contains_key("retry-after"));
    drop(holder);
    crate::harness::wait_until("the memory is free again", async || app.github("push", "then", vec![b'z'; 500_000]).await.status == 200).await;
    app.stop().await;
}
