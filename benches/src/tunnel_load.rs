//! What a tunnel is asked to carry: a small service on one end, its visitors on the other.
//!
//! Both sides are blocking threads over `std::net`, so that every contestant (direct, through our
//! tunnel, through a peer's) pays the same for them. The service reads one order per connection:
//!
//! | order | bytes that follow | what it does |
//! |---|---|---|
//! | `D` | `u64` big endian | sends that many bytes and closes |
//! | `U` | `u64` big endian | reads that many bytes, answers one byte |
//! | `R` | requests of [`REQUEST_BYTES`] | answers each with [`REPLY_BYTES`], until the visitor closes |

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// The length of one request.
pub const REQUEST_BYTES: usize = 128;
/// The length of one reply.
pub const REPLY_BYTES: usize = 512;

const CHUNK_BYTES: usize = 128 * 1024;

/// Answers visitors for ever, a thread each.
pub fn serve(listener: &TcpListener) {
    for visitor in listener.incoming().flatten() {
        thread::spawn(move || drop(answer(visitor)));
    }
}

fn answer(mut visitor: TcpStream) -> io::Result<()> {
    visitor.set_nodelay(true)?;
    let mut order = [0];
    visitor.read_exact(&mut order)?;
    match order {
        [b'D'] => {
            let length = read_length(&mut visitor)?;
            send(&mut visitor, length)
        }
        [b'U'] => {
            let length = read_length(&mut visitor)?;
            receive(&mut visitor, length)?;
            visitor.write_all(b"k")
        }
        _ => {
            let mut request = [0; REQUEST_BYTES];
            let reply = [b'r'; REPLY_BYTES];
            loop {
                visitor.read_exact(&mut request)?;
                visitor.write_all(&reply)?;
            }
        }
    }
}

fn read_length(stream: &mut TcpStream) -> io::Result<u64> {
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    Ok(u64::from_be_bytes(length))
}

fn send(stream: &mut TcpStream, mut length: u64) -> io::Result<()> {
    let chunk = vec![0x5a; CHUNK_BYTES];
    while length > 0 {
        let now = chunk.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        stream.write_all(chunk.get(..now).unwrap_or(&chunk))?;
        length -= now as u64;
    }
    Ok(())
}

fn receive(stream: &mut TcpStream, mut length: u64) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    while length > 0 {
        let want = chunk.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        let Some(room) = chunk.get_mut(..want) else { break };
        let got = stream.read(room)?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length -= got as u64;
    }
    Ok(())
}

fn connect(to: SocketAddr, order: u8) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(&[order])?;
    Ok(stream)
}

/// Bytes per second from the service to one visitor.
///
/// # Errors
/// Whatever the connection says.
pub fn download(from: SocketAddr, bytes: u64) -> io::Result<f64> {
    let started = Instant::now();
    let mut stream = connect(from, b'D')?;
    stream.write_all(&bytes.to_be_bytes())?;
    receive(&mut stream, bytes)?;
    Ok(per_second(bytes, started))
}

/// Bytes per second from one visitor to the service, its answer awaited.
///
/// # Errors
/// Whatever the connection says.
pub fn upload(to: SocketAddr, bytes: u64) -> io::Result<f64> {
    let started = Instant::now();
    let mut stream = connect(to, b'U')?;
    stream.write_all(&bytes.to_be_bytes())?;
    send(&mut stream, bytes)?;
    stream.read_exact(&mut [0])?;
    Ok(per_second(bytes, started))
}

/// Requests per second over `visitors` connections that stay open, `each` requests on each.
///
/// # Errors
/// Whatever the first failing connection says.
pub fn requests(to: SocketAddr, visitors: usize, each: u64) -> io::Result<f64> {
    in_parallel(visitors, each, move || {
        let mut stream = connect(to, b'R')?;
        for _ in 0..each {
            one_request(&mut stream)?;
        }
        Ok(())
    })
}

/// Requests per second where each of them has a connection of its own.
///
/// # Errors
/// Whatever the first failing connection says.
pub fn connections(to: SocketAddr, visitors: usize, each: u64) -> io::Result<f64> {
    in_parallel(visitors, each, move || {
        for _ in 0..each {
            one_request(&mut connect(to, b'R')?)?;
        }
        Ok(())
    })
}

fn one_request(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(&[b'q'; REQUEST_BYTES])?;
    stream.read_exact(&mut [0; REPLY_BYTES])
}

fn in_parallel<F>(visitors: usize, each: u64, visit: F) -> io::Result<f64>
where
    F: Fn() -> io::Result<()> + Clone + Send + 'static,
{
    let started = Instant::now();
    let threads: Vec<_> = (0..visitors)
        .map(|_| {
            let visit = visit.clone();
            thread::spawn(visit)
        })
        .collect();
    for visitor in threads {
        visitor.join().map_err(|_| io::Error::other("a visitor panicked"))??;
    }
    Ok(per_second(visitors as u64 * each, started))
}

#[expect(clippy::cast_precision_loss, reason = "a rate for a person to read")]
fn per_second(count: u64, started: Instant) -> f64 {
    count as f64 / started.elapsed().as_secs_f64()
}
