//! Uploads that are far too large, by the thousand, at the real receiver (row R3).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::world::{DEVICE, PATIENCE, World};

const UPLOADS: usize = 1000;
const AT_ONCE: usize = 20;
const BODY: usize = 10_000_000;
const MIB: u64 = 1 << 20;

/// How an upload says how long it is.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunks,
}

/// Sends a body of 10 MB as fast as it is taken, then reads; the first line of the answer.
fn upload(port: u16, framing: Framing) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let framed = match framing {
        Framing::Length => format!("Content-Length: {BODY}"),
        Framing::Chunks => "Transfer-Encoding: chunked".to_owned(),
    };
    write!(
        stream,
        "PUT /api/devices/{DEVICE}/ssh-key HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Connection: close\r\n{framed}\r\n\r\n"
    )?;
    let piece = vec![b' '; 100_000];
    for _ in 0..BODY / piece.len() {
        if let Framing::Chunks = framing {
            write!(stream, "{:x}\r\n", piece.len())?;
        }
        stream.write_all(&piece)?;
        if let Framing::Chunks = framing {
            stream.write_all(b"\r\n")?;
        }
    }
    if let Framing::Chunks = framing {
        stream.write_all(b"0\r\n\r\n")?;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[test]
#[ignore = "needs the program as a process; run by .ci/run"]
fn r3_a_thousand_uploads_of_10_mb_are_refused_within_100_mib() {
    let world = World::start();
    world.provision();
    assert_eq!(world.heartbeat_status(), "200");
    let before = world.receiver.memory("VmHWM");
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= UPLOADS {
                        return;
                    }
                    let framing = if number.is_multiple_of(2) { Framing::Length } else { Framing::Chunks };
                    let answer = upload(world.api_port, framing);
                    // Whoever sends before it listens hears the refusal, not a reset connection.
                    assert_eq!(
                        answer.unwrap_or_else(|error| panic!("upload {number}, {framing:?}: {error}")),
                        "HTTP/1.1 413 Payload Too Large"
                    );
                }
            });
        }
    });
    let most = world.receiver.memory("VmHWM");
    eprintln!("resident memory of the receiver: {} MiB before, at most {} MiB", before / MIB, most / MIB);
    assert!(most <= 100 * MIB, "{most} bytes");
    assert_eq!(world.heartbeat_status(), "200");
}
