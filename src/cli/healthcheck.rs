//! `gatepass healthcheck`: is the gateway on this machine ready? For container and service managers.
//!
//! Plain HTTP/1.1 over one connection, with a deadline on the whole; no client library is needed to read a status.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::clock::instant;

use super::configured::ConfigFile;
use super::{Failure, output};

const DEADLINE: Duration = Duration::from_secs(2);

/// What `healthcheck` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: ConfigFile,
}

/// Asks `/readyz` of the configured admin listener.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let admin = reachable(args.file.load()?.listen.admin);
    match status(admin, DEADLINE) {
        Ok(200) => output::say("ready"),
        Ok(code) => Err(Failure::no(format!("not ready: http://{admin}/readyz answers {code}"))
            .help("the body of that address, and the gateway's log, say what it waits for")),
        Err(error) => Err(Failure::no(format!("not ready: http://{admin}/readyz does not answer: {error}"))
            .help("start the gateway with `gatepass run`, or correct `admin` under [listen]")),
    }
}

/// A listener on every address is asked on loopback.
fn reachable(admin: SocketAddr) -> SocketAddr {
    match admin.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), admin.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), admin.port()),
        _ => admin,
    }
}

/// The status of `GET /readyz`.
fn status(admin: SocketAddr, deadline: Duration) -> std::io::Result<u16> {
    use std::io::{Error, ErrorKind};
    let begin = instant();
    let left = || match deadline.saturating_sub(begin.elapsed()) {
        Duration::ZERO => Err(Error::from(ErrorKind::TimedOut)),
        left => Ok(left),
    };
    let mut stream = TcpStream::connect_timeout(&admin, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    stream.write_all(
        format!("GET /readyz HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut head = Vec::new();
    let mut part = [0; 256];
    while !head.contains(&b'\n') && head.len() < 1024 {
        stream.set_read_timeout(Some(left()?))?;
        match stream.read(&mut part)? {
            0 => break,
            count => head.extend_from_slice(&part[..count]),
        }
    }
    read_status(&head).ok_or_else(|| Error::new(ErrorKind::InvalidData, "the answer is not HTTP"))
}

/// The status of `HTTP/1.1 200 OK` (RFC 9112 §4).
fn read_status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|byte| *byte == b'\r' || *byte == b'\n').next()?).ok()?;
    let (version, rest) = line.split_once(' ')?;
    let code = rest.get(..3)?.parse().ok()?;
    (version.starts_with("HTTP/1.") && (100..600).contains(&code)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answer_once(text: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                request.push(byte[0]);
            }
            assert!(request.starts_with(b"GET /readyz HTTP/1.1\r\n"));
            stream.write_all(text).unwrap();
        });
        address
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn the_status_is_read() {
        assert_eq!(status(answer_once(b"HTTP/1.1 200 OK\r\n\r\n"), LONG).unwrap(), 200);
        assert_eq!(status(answer_once(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"), LONG).unwrap(), 503);
        assert!(status(answer_once(b"SSH-2.0-x\r\n"), LONG).is_err());
        assert!(status(answer_once(b""), LONG).is_err());
    }

    #[test]
    fn a_silent_listener_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(status(silent.local_addr().unwrap(), Duration::from_millis(50)).is_err());
    }

    #[test]
    fn every_address_is_asked_on_loopback() {
        assert_eq!(reachable("0.0.0.0:9090".parse().unwrap()), "127.0.0.1:9090".parse().unwrap());
        assert_eq!(reachable("[::]:9090".parse().unwrap()), "[::1]:9090".parse().unwrap());
        assert_eq!(reachable("10.0.0.1:1".parse().unwrap()), "10.0.0.1:1".parse().unwrap());
    }
}
