use std::{thread, time::Duration};

use crate::client::{Client, Server, request};

fn wait_for_call(server: &Server) {
    while server.echo.running.load(std::sync::atomic::Ordering::SeqCst) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_running_call_is_answered_after_the_stop() {
    let server = Server::with(|_| {});
    let mut client = server.connect();
    client.send(&request("GetTrail", "", "{\"Name\":\"sleep\"}"));
    wait_for_call(&server);
    let ended = server.end();
    assert_eq!((ended.requests, ended.cut), (1, 0));
    assert_eq!(client.answer().unwrap().status, 200);
    assert!(client.is_closed());
}

#[test]
fn idle_connections_do_not_delay_the_stop_and_new_ones_are_refused() {
    let server = Server::with(|options| options.times.drain = Duration::from_hours(1));
    let mut idle = server.connect();
    idle.call("GetTrail", "{}");
    let address = server.bound.api;
    assert_eq!(server.end().cut, 0);
    assert!(idle.is_closed());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_connection_that_does_not_end_in_time_is_cut() {
    let server = Server::with(|options| options.times.drain = Duration::from_millis(20));
    let mut client = server.connect();
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nX-Amz-Target: x\r\n\r\n{");
    // a second request on another connection shows that the server has taken the first connection
    server.connect().call("GetTrail", "{\"Name\":\"sleep\"}");
    assert_eq!(server.end().cut, 1);
    assert!(client.is_closed());
}

#[test]
fn health_says_that_the_server_is_stopping() {
    let server = Server::with(|options| options.observe = Some("127.0.0.1:0".parse().unwrap()));
    let mut client = server.connect();
    let mut observer = Client::to(server.bound.observe.unwrap());
    let mut health =
        || observer.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().unwrap().status;
    assert_eq!(health(), 200);
    client.send(&request("GetTrail", "", "{\"Name\":\"sleep\"}"));
    wait_for_call(&server);
    server.stop.stop();
    while health() == 200 {}
    assert_eq!(health(), 503);
    assert_eq!(client.answer().unwrap().status, 200);
}
