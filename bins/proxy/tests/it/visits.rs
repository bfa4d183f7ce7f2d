//! Visitors: bytes both ways, half-close, limits, and what they see when there is nothing to see (row T7).

use std::io::ErrorKind;
use std::time::Duration;

use daemon::config::Period;
use proxy::Event;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Agent, Stage, echo, visit};

async fn with_echo(change: impl FnOnce(&mut proxy::Config)) -> (Stage, Agent, std::net::SocketAddr) {
    let mut stage = Stage::with(change).await;
    let service = echo().await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, service, None);
    let agent = stage.agent("d", "c0ffee", &[service]).await.unwrap();
    let address = stage.tunnel_up(9050).await;
    (stage, agent, address)
}

#[tokio::test]
async fn bytes_pass_both_ways_and_are_counted() {
    let (mut stage, _agent, address) = with_echo(|_| {}).await;
    let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_be_bytes).collect();
    // The visitor ends his side while bytes are under way and still gets every one back.
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.split();
    let send = async {
        write.write_all(&text).await.unwrap();
        write.shutdown().await.unwrap();
    };
    let mut reply = vec![0; text.len()];
    tokio::join!(send, async { read.read_exact(&mut reply).await.unwrap() });
    assert!(reply == text, "other bytes came back");
    let opened = stage.expect(|event| matches!(event, Event::VisitorOpened { .. })).await;
    let Event::VisitorOpened { visit: opened, .. } = opened else { unreachable!() };
    drop(stream);
    let closed = stage.expect(|event| matches!(event, Event::VisitorClosed { .. })).await;
    let Event::VisitorClosed { visit, to_device, to_visitor, .. } = closed else { unreachable!() };
    assert_eq!((visit, to_device, to_visitor), (opened, 800_000, 800_000));
}

/// A service that answers late still reaches a visitor who ended his side behind the question.
#[tokio::test]
async fn an_answer_that_takes_longer_than_the_linger_arrives() {
    let mut stage =
        Stage::with(|config| config.tunnels.linger = Period::from(Duration::from_millis(50))).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = listener.local_addr().unwrap().port();
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, service, None);
    let _agent = stage.agent("d", "c0ffee", &[service]).await.unwrap();
    let address = stage.tunnel_up(9050).await;
    let mut visitor = TcpStream::connect(address).await.unwrap();
    visitor.write_all(b"question").await.unwrap();
    visitor.shutdown().await.unwrap();
    let (mut device, _) = listener.accept().await.unwrap();
    device.read_exact(&mut [0; 8]).await.unwrap();
    // The next look at the visit, and the one after it, have been.
    stage.meeting.listed_again().await;
    stage.meeting.listed_again().await;
    device.write_all(b"answer").await.unwrap();
    drop(device);
    let mut reply = Vec::new();
    visitor.read_to_end(&mut reply).await.unwrap();
    assert_eq!(reply, b"answer");
}

/// Visitors who leave first hold their places for the linger only: many short visits need few places.
#[tokio::test]
async fn many_visitors_who_leave_first_need_few_places() {
    let (mut stage, _agent, address) = with_echo(|config| {
        config.tunnels.max_visitors_per_device = 16;
        config.tunnels.linger = Period::from(Duration::from_millis(20));
    })
    .await;
    for n in 0..300_u32 {
        assert_eq!(visit(address, &n.to_be_bytes()).await.unwrap(), n.to_be_bytes());
    }
    for _ in 0..300 {
        stage.expect(|event| matches!(event, Event::VisitorClosed { to_visitor: 4, .. })).await;
    }
}

/// Agents in the field leave Nagle's algorithm on and answer in two small writes. With acknowledgements that wait 40 ms for company
/// each such answer would take as long; twenty take less than half of that.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_agent_with_nagles_algorithm_is_acknowledged_at_once() {
    let mut stage = Stage::new().await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, 22, None);
    let mut agent = TcpStream::connect(stage.control).await.unwrap();
    agent.set_nodelay(false).unwrap();
    agent.write_all(b"{\"token\":\"c0ffee\",\"name\":\"d\"}\n").await.unwrap();
    let mut visitor = TcpStream::connect(stage.tunnel_up(9050).await).await.unwrap();
    visitor.set_nodelay(true).unwrap();
    let answer = b"{\"status\":\"authenticated\",\"device_key\":\"d\"}\n";
    let mut head = vec![0; answer.len() + 11];
    agent.read_exact(&mut head).await.unwrap();
    assert_eq!(&head[answer.len()..], b"N\0\0\0\x01\0\0\0\x02\0\x16");
    let mut start = std::time::Instant::now();
    for round in 0..40 {
        if round == 20 {
            // A young connection acknowledges at once by itself.
            start = std::time::Instant::now();
        }
        visitor.write_all(b"?").await.unwrap();
        agent.read_exact(&mut [0; 10]).await.unwrap();
        for _ in 0..2 {
            agent.write_all(b"D\0\0\0\x01\0\0\0\x01!").await.unwrap();
        }
        visitor.read_exact(&mut [0; 2]).await.unwrap();
    }
    let took = start.elapsed();
    assert!(took < Duration::from_millis(400), "20 answers took {took:?}");
}

#[tokio::test]
async fn bytes_are_told_while_they_move() {
    let (mut stage, _agent, address) = with_echo(|_| {}).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    stream.read_exact(&mut [0; 5]).await.unwrap();
    let told = stage.expect(|event| matches!(event, Event::VisitorBytes { .. })).await;
    let Event::VisitorBytes { to_device, to_visitor, .. } = told else { unreachable!() };
    assert_eq!((to_device, to_visitor), (5, 5));
}

/// T7: an agent whose list does not have the port refuses; the visitor sees a reset, not an empty answer.
#[tokio::test]
async fn t7_a_port_that_the_agent_does_not_allow_resets_the_visitor() {
    let mut stage = Stage::new().await;
    let service = echo().await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, service, None);
    let agent = stage.agent("d", "c0ffee", &[]).await.unwrap();
    let address = stage.tunnel_up(9050).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let error = stream.read(&mut [0; 1]).await.expect_err("the visitor is served");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(agent.monitor.not_allowed(), 1);
    stage.expect(|event| matches!(event, Event::VisitorClosed { to_visitor: 0, .. })).await;
}

#[tokio::test]
async fn a_device_that_goes_away_resets_its_visitors() {
    let (mut stage, agent, address) = with_echo(|_| {}).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"x").await.unwrap();
    stream.read_exact(&mut [0; 1]).await.unwrap();
    stage.expect(|event| matches!(event, Event::VisitorOpened { .. })).await;
    agent.leave().await;
    let end = stream.read(&mut [0; 1]).await;
    assert_eq!(end.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn t8_a_device_has_as_many_visitors_as_it_may() {
    let (mut stage, _agent, address) = with_echo(|config| {
        config.tunnels.max_visitors_per_device = 2;
        config.tunnels.wait_for_place = Period::from(Duration::from_millis(300));
    })
    .await;
    let first = TcpStream::connect(address).await.unwrap();
    socket2::SockRef::from(&first).set_linger(Some(Duration::ZERO)).unwrap();
    let second = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        stage.expect(|event| matches!(event, Event::VisitorOpened { .. })).await;
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    let error = third.read(&mut [0; 1]).await.expect_err("the third visitor is served");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    // Who waits gets the place of one who leaves.
    let mut fourth = TcpStream::connect(address).await.unwrap();
    fourth.write_all(b"x").await.unwrap();
    drop(first);
    fourth.read_exact(&mut [0; 1]).await.unwrap();
    drop(second);
}

#[tokio::test]
async fn an_idle_visit_ends() {
    let (mut stage, _agent, address) =
        with_echo(|config| config.tunnels.idle_timeout = Period::from_secs(1)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"x").await.unwrap();
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    assert_eq!(reply, b"x");
    let closed = stage.expect(|event| matches!(event, Event::VisitorClosed { .. })).await;
    let Event::VisitorClosed { duration, .. } = closed else { unreachable!() };
    assert!(duration >= Duration::from_secs(1), "{duration:?}");
}

#[tokio::test]
async fn an_orderly_end_lets_visits_finish() {
    let (mut stage, agent, address) = with_echo(|_| {}).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"one").await.unwrap();
    stream.read_exact(&mut [0; 3]).await.unwrap();
    stage.stop.gently.cancel();
    assert_eq!(stage.tunnel_down(9050).await, "stopping");
    stream.write_all(b"two").await.unwrap();
    let mut reply = [0; 3];
    stream.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"two");
    assert_eq!(visit(address, b"late").await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    drop(stream);
    stage.finish().await.unwrap();
    agent.ended().await;
}
