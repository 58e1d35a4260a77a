//! More comes than there is room for: those who are refused cost little, and others are served as before.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{TestApp, github_signature, wait_for, wait_until};
use crate::limits::{read_all, signed, status};

/// Room for one body, for two small ones beside it, and rests that only end because there is room again.
const ONE_BODY: [(&str, &str); 5] = [
    ("HOOKLAKE_SERVER_BODY_BYTES_MAX", "1000000"),
    ("HOOKLAKE_SERVER_BODIES_IN_FLIGHT_BYTES_MAX", "1070000"),
    ("HOOKLAKE_SERVER_BODY_TIMEOUT_MS", "3000000"),
    ("HOOKLAKE_SERVER_HEADERS_TIMEOUT_MS", "3000000"),
    ("HOOKLAKE_SERVER_REFUSED_REST_MS", "600000"),
];

/// A delivery on a connection that stays open.
fn delivery(id: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /webhook/github HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: {id}\r\nX-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n",
        github_signature(body),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// One answer, of which the length is told, and nothing of the next.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let so_far = String::from_utf8_lossy(&text).into_owned();
        text.push(stream.read_u8().await.unwrap_or_else(|error| panic!("{error} after {so_far:?}")));
    }
    let head = String::from_utf8_lossy(&text).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("the body");
    head + &String::from_utf8_lossy(&body)
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.app.address).await.expect("connected")
}

/// A connection that holds nearly all the room for bodies for as long as it is open.
async fn holder(app: &TestApp) -> TcpStream {
    let mut request = signed(b"", "Content-Length: 950000\r\n");
    request.resize(request.len() + 900_000, b'x');
    let mut stream = connect(app).await;
    stream.write_all(&request).await.expect("sent");
    stream
}

/// A connection whose delivery was refused because there is no room, and its answer.
async fn refused(app: &TestApp) -> (TcpStream, String) {
    wait_for(async || {
        // It may be quicker than the holder.
        let mut stream = connect(app).await;
        stream.write_all(&delivery("refused", &vec![b'y'; 60_000])).await.expect("sent");
        let text = answer(&mut stream).await;
        (status(&text) == "503").then_some((stream, text))
    })
    .await
}

fn resting(app: &TestApp) -> i64 {
    app.app.base.metrics.resting_connections().get()
}

async fn stored(app: &TestApp, id: &str) -> bool {
    app.db.number(&format!("SELECT count(*) FROM log.envelopes WHERE delivery_key LIKE '%{id}'")).await > 0
}

/// So many deliveries on another connection.
async fn others(app: &TestApp, from: usize, count: usize) {
    for number in from..from + count {
        assert_eq!(app.github("push", &format!("other-{number}"), "{}").await.status, 200, "others are served");
    }
}

#[tokio::test]
async fn who_was_told_to_come_back_is_left_unread_until_there_is_room() {
    let app = TestApp::start_with(&ONE_BODY).await;
    let holding = holder(&app).await;
    let (mut early, text) = refused(&app).await;
    assert!(text.contains("retry-after: 600\r\n") && !text.contains("connection: close"), "its body was read, the connection stays: {text}");
    wait_until("it rests", async || resting(&app) == 1).await;
    early.write_all(&delivery("early", b"{}")).await.expect("sent");
    others(&app, 0, 10).await;
    assert!(!stored(&app, "early").await, "it would have been served by now, had it been read");
    let metrics = app.client.get(app.url("/metrics")).bearer_auth(&app.token).send().await.expect("metrics").text().await.expect("text");
    assert!(metrics.contains("hooklake_resting_connections 1\n"), "{metrics}");

    drop(holding);
    let served = tokio::spawn(async move { answer(&mut early).await });
    wait_until("there is room, and it is served", async || {
        others(&app, 100, 1).await;
        served.is_finished()
    })
    .await;
    assert_eq!(status(&served.await.expect("an answer")), "200");
    assert_eq!(resting(&app), 0);

    // One that rests with its connection open, and one whose place rests: neither keeps the server from stopping.
    let holding = holder(&app).await;
    let (_resting, _) = refused(&app).await;
    let mut leaves = connect(&app).await;
    let mut request = signed(&vec![b'y'; 60_000], "Content-Length: 60000\r\n");
    request.extend_from_slice(&vec![b'y'; 60_000]);
    leaves.write_all(&request).await.expect("sent");
    assert_eq!(status(&read_all(&mut leaves).await), "503");
    wait_until("both rest", async || resting(&app) == 2).await;
    drop(holding);
    app.stop().await;
}

#[tokio::test]
async fn a_rest_ends_by_itself_and_can_be_done_without() {
    for rest in ["200", "0"] {
        let mut settings = ONE_BODY;
        settings[4].1 = rest;
        let app = TestApp::start_with(&settings).await;
        let holding = holder(&app).await;
        let (mut stream, _) = refused(&app).await;
        stream.write_all(&delivery("again", b"{}")).await.expect("sent");
        assert_eq!(status(&answer(&mut stream).await), "200", "there is room for so small a one");
        // The next one with the refused one, in one piece.
        let both = [delivery("refused", &vec![b'y'; 60_000]), delivery("with-it", b"{}")].concat();
        stream.write_all(&both).await.expect("sent");
        for expected in ["503", "200"] {
            assert_eq!(status(&answer(&mut stream).await), expected);
        }
        assert_eq!(resting(&app), 0);
        drop(holding);
        app.stop().await;
    }
}

#[tokio::test]
async fn when_all_places_are_taken_the_refused_make_room_in_their_time() {
    let mut settings = ONE_BODY.to_vec();
    settings.push(("HOOKLAKE_SERVER_CONNECTIONS_MAX", "3"));
    let app = TestApp::start_with(&settings).await;
    let mut served = connect(&app).await;
    let mut holding = holder(&app).await;
    let text = wait_for(async || {
        let mut third = connect(&app).await;
        third.write_all(&delivery("refused", &vec![b'y'; 60_000])).await.expect("sent");
        let text = answer(&mut third).await;
        (status(&text) == "503").then_some(text)
    })
    .await;
    assert!(text.contains("connection: close"), "others wait for its place: {text}");
    wait_until("its place rests", async || resting(&app) == 1).await;
    let mut next = connect(&app).await;
    next.write_all(&delivery("next", b"{}")).await.expect("sent");
    for number in 0..10 {
        served.write_all(&delivery(&format!("served-{number}"), b"{}")).await.expect("sent");
        assert_eq!(status(&answer(&mut served).await), "200");
    }
    assert!(!stored(&app, "next").await, "connecting anew is no way to be asked more often");
    holding.write_all(&vec![b'x'; 50_000]).await.expect("sent");
    assert_eq!(status(&answer(&mut next).await), "200", "a place is free");
    app.stop().await;
}

#[tokio::test]
async fn an_answer_before_the_body_arrives_all_the_same() {
    let app = TestApp::start_with(&[("HOOKLAKE_SERVER_BODY_BYTES_MAX", "4000000")]).await;
    // More than the server keeps for a request that it does not want, and than fits in the kernel.
    let length = 6_000_000;
    let mut stream = connect(&app).await;
    stream.write_all(&signed(b"", &format!("Content-Length: {length}\r\n"))).await.expect("sent");
    for _ in 0..length / 50_000 {
        stream.write_all(&vec![b'x'; 50_000]).await.expect("the server takes what it throws away");
    }
    assert_eq!(status(&read_all(&mut stream).await), "413");

    // What is small is read to its end, and the connection can be used again.
    let mut stream = connect(&app).await;
    let unknown = String::from_utf8(delivery("a", &vec![b'x'; 100_000])).expect("text").replace("/webhook/github", "/webhook/nothing");
    stream.write_all(unknown.as_bytes()).await.expect("sent");
    assert_eq!(status(&answer(&mut stream).await), "404");
    stream.write_all(&delivery("b", b"{}")).await.expect("sent");
    assert_eq!(status(&answer(&mut stream).await), "200");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_very_many_connections_each_is_served_however_its_requests_come() {
    let app = TestApp::start_with(&[]).await;
    // More than may keep their buffers while nothing comes on them.
    let mut idle = Vec::new();
    for _ in 0..1100 {
        idle.push(connect(&app).await);
    }
    let mut stream = connect(&app).await;
    for round in 0..3 {
        let requests = [delivery(&format!("a{round}"), b"{}"), delivery(&format!("b{round}"), &vec![b'x'; 40_000])];
        for request in &requests {
            // In pieces: a head that was begun is not forgotten.
            for piece in request.chunks(request.len() / 4) {
                stream.write_all(piece).await.expect("sent");
                tokio::task::yield_now().await;
            }
            assert_eq!(status(&answer(&mut stream).await), "200");
        }
        let ahead = [delivery(&format!("c{round}"), b"{}"), delivery(&format!("d{round}"), b"{}")].concat();
        let (first, second) = ahead.split_at(ahead.len() - 100);
        stream.write_all(first).await.expect("sent");
        assert_eq!(status(&answer(&mut stream).await), "200");
        stream.write_all(second).await.expect("sent");
        assert_eq!(status(&answer(&mut stream).await), "200");
    }
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 12);
    drop(idle);
    app.stop().await;
}
