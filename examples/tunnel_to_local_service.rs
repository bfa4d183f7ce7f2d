//! Reach a local service through a tunnel, both ends in one program.
//!
//! `cargo run -p examples --example tunnel_to_local_service`
#![allow(missing_docs, reason = "a program")]

use std::error::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpListener;
use tunnel_frame::client::{self, AgentConfig, AllowedPorts, Loopback};
use tunnel_frame::handshake::{DeviceKey, Hello, Token};
use tunnel_frame::server::{self, ServerConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The service on the device: it greets whoever connects.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(b"hello from the device\n").await;
        }
    });

    // The connection between them; a TcpStream or a TLS stream in real life.
    let (device_end, proxy_end) = duplex(64 * 1024);

    // The device: say hello, then serve this one port.
    let hello = Hello::new(Token::new("c0ffee")?, DeviceKey::new("device-1")?);
    tokio::spawn(async move {
        let tunnel = client::connect(device_end, &hello, AgentConfig::default()).await?;
        let allowed: AllowedPorts = [port].into_iter().collect();
        let end = tunnel.serve(allowed, Loopback, std::future::pending()).await;
        println!("device: {end}");
        Ok::<(), client::ConnectError>(())
    });

    // The proxy: check the hello, accept, open a stream.
    let pending = server::receive(proxy_end, ServerConfig::default()).await?;
    println!("proxy: {} asks for a tunnel", pending.hello().name());
    if !pending.hello().token().matches("c0ffee") {
        return Err("wrong token".into());
    }
    let (tunnel, driver) = pending.accept();
    let driver = tokio::spawn(driver.run());
    let mut visitor = tunnel.open(port)?;
    let mut reply = String::new();
    visitor.read_to_string(&mut reply).await?;
    print!("visitor: {reply}");
    drop(visitor);
    tunnel.shutdown();
    println!("proxy: {}", driver.await?);
    Ok(())
}
