use std::{
    io::Write as _,
    sync::{atomic::Ordering, mpsc},
    thread,
    time::Duration,
};

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::client::{Server, request};

const SOON: Duration = Duration::from_millis(300);

#[test]
fn a_body_above_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let server = Server::with(|options| options.max_body_bytes = 100);
    let body = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    assert_eq!(server.connect().call("GetTrail", &body(100)).status, 200);
    let answer = server.connect().call("GetTrail", &body(101));
    assert_eq!((answer.status, answer.code().as_str()), (413, "RequestEntityTooLargeException"));
    let answer = server.connect().call("GetTrail", &body(1_000_000));
    assert_eq!(answer.status, 413, "a client that sends all before it reads sees the answer");
    let huge = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999\r\n\r\n{";
    let answer = server.connect().send(huge).answer().unwrap();
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
}

#[test]
fn chunks_without_end_are_refused() {
    let server = Server::with(|options| options.max_body_bytes = 100);
    let mut client = server.connect();
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..12 {
        client.send(format!("100000\r\n{}\r\n", "x".repeat(1 << 20)).as_bytes());
    }
    assert_eq!(client.answer().map_or(413, |answer| answer.status), 413);
    assert_eq!(server.connect().call("GetTrail", "{}").status, 200);
}

#[test]
fn a_head_above_the_limit_is_refused() {
    let server = Server::with(|options| options.max_head_bytes = 8192);
    let long = request("GetTrail", &format!("X-Long: {}\r\n", "x".repeat(20_000)), "{}");
    let answer = server.connect().send(&long).answer();
    assert!(answer.is_none_or(|answer| answer.status == 431));
    let many = "X-Many: x\r\n".repeat(200);
    let answer = server.connect().send(&request("GetTrail", &many, "{}")).answer();
    assert!(answer.is_none_or(|answer| answer.status == 431));
    assert_eq!(server.connect().call("GetTrail", "{}").status, 200);
}

#[test]
fn garbage_ends_its_own_connection_only() {
    let server = Server::with(|_| {});
    let mut other = server.connect();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\0\r\n\r\n",
        b"POST\r\n\r\n",
        b"\xff\xfe\r\n\r\n",
    ] {
        let mut client = server.connect();
        let answer = client.send(garbage).send(b"\r\n\r\n").answer();
        assert!(answer.is_none_or(|answer| answer.status == 400));
        assert!(client.is_closed());
        assert_eq!(other.call("GetTrail", "{}").status, 200);
    }
    // two lengths that differ must never be read as two requests
    let smuggled = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x";
    let answer = server.connect().send(smuggled).answer();
    assert!(answer.is_none_or(|answer| answer.status == 400));
}

#[test]
fn random_bytes_around_a_request_never_end_the_server() {
    let server = Server::with(|_| {});
    let bytes = proptest::collection::vec(any::<u8>(), 0..200);
    let strategy = (bytes.clone(), bytes, any::<Index>(), any::<bool>());
    TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() })
        .run(&strategy, |(before, inside, at, starts_well)| {
            let mut whole = request("GetTrail", "", "{\"Name\":\"abc\"}");
            let at = at.index(whole.len());
            whole.splice(at..at, inside);
            let mut client = server.connect();
            if !starts_well {
                client.send(&before);
            }
            client.send(&whole).finish();
            while let Some(answer) = client.answer() {
                prop_assert!([200, 400, 408, 413, 414, 431].contains(&answer.status), "{answer:?}");
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(server.connect().call("GetTrail", "{}").status, 200);
}

#[test]
fn heads_that_come_too_slowly_free_their_connections() {
    let server = Server::with(|options| {
        options.max_connections = 4;
        options.times.head = SOON;
    });
    let mut slow: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for client in &mut slow {
        client.send(b"POST / HTTP/1.1\r\nHost: ");
    }
    // every place is taken by a client that does not go on; this one waits for a place and gets it
    assert_eq!(server.connect().call("GetTrail", "{}").status, 200);
    for client in &mut slow {
        while let Some(answer) = client.answer() {
            assert_eq!(answer.status, 408);
        }
    }
}

#[test]
fn connections_that_only_wait_are_closed() {
    let server = Server::with(|options| options.times.head = SOON);
    let mut silent = server.connect();
    assert!(silent.is_closed());
    let mut idle = server.connect();
    assert_eq!(idle.call("GetTrail", "{}").status, 200);
    assert!(idle.is_closed());
}

#[test]
fn a_body_that_comes_too_slowly_is_a_timeout() {
    let server = Server::with(|options| options.times.body = SOON);
    let mut client = server.connect();
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
    let answer = client.answer().unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (408, "RequestTimeoutException"));
    assert!(client.is_closed());
}

#[test]
fn a_client_that_does_not_read_loses_its_connection() {
    let server = Server::with(|options| {
        options.max_connections = 1;
        options.times.answer = SOON;
    });
    let mut lazy = server.connect();
    lazy.send(&request("GetTrail", "", "{\"Name\":\"large\"}"));
    // the only place is free again, though `lazy` never reads
    assert_eq!(server.connect().call("GetTrail", "{}").status, 200);
    assert!(lazy.answer().is_none(), "the answer was cut");
}

#[test]
fn a_call_that_takes_too_long_is_said_to_try_again() {
    let server = Server::with(|options| options.times.call = Duration::from_millis(20));
    let mut client = server.connect();
    let answer = client.call("GetTrail", "{\"Name\":\"sleep\"}");
    assert_eq!((answer.status, answer.code().as_str()), (503, "ServiceUnavailable"));
}

#[test]
fn calls_that_wait_for_deliveries_leave_room_for_others() {
    let server = Server::with(|options| options.max_calls = 4);
    let mut starters: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for client in &mut starters {
        client.send(&request("StartLogging", "", "{\"Name\":\"sleep\"}"));
    }
    for _ in 0..5 {
        assert_eq!(server.connect().call("GetTrail", "{}").status, 200);
    }
    for client in &mut starters {
        assert_eq!(client.answer().unwrap().status, 200);
    }
    assert!(server.echo.most.load(Ordering::SeqCst) <= 3, "two of those and one of the others");
}

#[test]
fn large_answers_that_are_not_taken_share_a_budget() {
    let server = Server::with(|options| {
        options.max_answers_bytes = 40 << 20;
        options.times.answer = Duration::from_secs(3);
    });
    // 32 MiB, which no socket buffers
    let large = request("GetTrail", "", "{\"Name\":\"large\"}");
    let beside_a_lazy_one = || {
        let mut lazy = server.connect();
        lazy.send(&large);
        // until it has begun, and has its room; on a busy machine the other may be the first
        while server.echo.most.load(Ordering::SeqCst) == 0 || server.echo.running.load(Ordering::SeqCst) > 0 {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(50));
        let answer = server.connect().send(&large).answer().unwrap();
        (answer.status != 200).then_some((lazy, answer))
    };
    let (lazy, answer) = (0..20).find_map(|_| beside_a_lazy_one()).expect("one of both has no room");
    assert_eq!((answer.status, answer.code().as_str()), (503, "ServiceUnavailable"));
    assert_eq!(server.connect().call("GetTrail", "{}").status, 200, "small ones need no room");
    drop(lazy);
    let again =
        || Some(server.connect().send(&large).answer().unwrap()).filter(|answer| answer.status == 200);
    let answer = (0..20).find_map(|_| again()).expect("there is room again");
    assert_eq!((answer.status, answer.json()["Text"].as_str().map(str::len)), (200, Some(32 << 20)));
}

#[test]
fn large_bodies_at_once_share_a_budget() {
    let server = Server::with(|options| {
        options.max_body_bytes = 64 << 10;
        options.max_bodies_bytes = 64 << 10;
    });
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(60_000));
    let whole = request("GetTrail", "", &body);
    let (sender, answers) = mpsc::channel();
    let mut writers: Vec<_> = (0..2)
        .map(|number| {
            let (mut client, sender) = (server.connect(), sender.clone());
            // all but the last byte: the server has no room for both, whichever it reads first
            client.send(&whole[..whole.len() - 1]);
            let writer = client.writer();
            thread::spawn(move || sender.send((number, client.answer())));
            writer
        })
        .collect();
    let (refused, answer) = answers.recv().unwrap();
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (503, "ServiceUnavailable"));
    // the other may have been refused as well, if both came at the same instant
    let other: usize = 1 - refused;
    let _ = writers[other].write_all(b"}");
    let (_, answer) = answers.recv().unwrap();
    assert!([200, 503].contains(&answer.unwrap().status));
    assert_eq!(server.connect().call("GetTrail", &body).json()["Input"]["a"], json!("x".repeat(60_000)));
}
