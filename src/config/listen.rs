//! `[listen]`: where do we listen, with which certificate, and whose forwarding headers are believed?

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::reading::Reading;
use super::section::{At, Section};
use crate::proxy::{ListenAddress, ListenSettings, TlsFiles};

const PUBLIC: &str = "[\"127.0.0.1:8080\"]";
const CONTROL: &str = "\"unix:gatepass.control\"";

/// Reads the section.
pub(super) fn read(reading: &mut Reading, top: &mut Section<'_>) -> Option<ListenSettings> {
    let mut section = top.section(reading, "listen", "listen");
    let public = public(reading, &mut section);
    let admin = admin(reading, &mut section, &public);
    let control = control(reading, &mut section);
    let tls_is_asked_for = section.value("tls").is_some();
    let tls = tls(reading, &mut section);
    let allowed = section.boolean(reading, "allow_plaintext").is_some_and(|allowed| allowed.value);
    if !tls_is_asked_for {
        plaintext(reading, &public, allowed);
    }
    let trusted_proxies = trusted_proxies(reading, &mut section);
    section.finish(reading);
    Some(ListenSettings {
        public: public.into_iter().map(|address| address.value).collect(),
        admin: admin?,
        control: control?,
        tls,
        trusted_proxies,
    })
}

fn public(reading: &mut Reading, section: &mut Section<'_>) -> Vec<At<ListenAddress>> {
    let Some(list) = section.strings(reading, "public", PUBLIC) else {
        let default = ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], 8080)));
        return vec![At { value: default, span: 0..0 }];
    };
    if list.value.is_empty() {
        reading.problems.error(list.span, "there is no public listener", format!("public = {PUBLIC}"));
    }
    let mut found: Vec<At<ListenAddress>> = Vec::new();
    for text in list.value {
        let value = if let Some(path) = text.value.strip_prefix("unix:") {
            socket_path(reading, &text, path).map(ListenAddress::Unix)
        } else {
            socket_address(reading, &text).map(ListenAddress::Tcp)
        };
        let Some(value) = value else { continue };
        let free_port = matches!(&value, ListenAddress::Tcp(address) if address.port() == 0);
        match found.iter().find(|other| other.value == value && !free_port) {
            Some(other) => reading.problems.collision(
                text.span,
                (other.span.clone(), "the first one"),
                "this address is listed twice",
                "remove one of the two",
            ),
            None => found.push(At { value, span: text.span }),
        }
    }
    found
}

fn admin(
    reading: &mut Reading,
    section: &mut Section<'_>,
    public: &[At<ListenAddress>],
) -> Option<SocketAddr> {
    let Some(text) = section.string(reading, "admin", "\"127.0.0.1:9090\"") else {
        return Some(SocketAddr::from(([127, 0, 0, 1], 9090)));
    };
    let address = socket_address(reading, &text)?;
    let same = public.iter().find(|other| other.value == ListenAddress::Tcp(address));
    if let Some(other) = same.filter(|_| address.port() != 0) {
        reading.problems.collision(
            text.span,
            (other.span.clone(), "the public listener"),
            "the admin listener has the address of a public one",
            "give it a port of its own: admin = \"127.0.0.1:9090\"",
        );
    } else if !address.ip().is_loopback() {
        reading.problems.warn(
            Some(text.span),
            "the admin listener can be reached from other machines",
            "metrics and health need no credential there: keep it on 127.0.0.1, or behind a firewall",
        );
    }
    Some(address)
}

fn control(reading: &mut Reading, section: &mut Section<'_>) -> Option<PathBuf> {
    let Some(text) = section.string(reading, "control", CONTROL) else {
        return Some(reading.resolve("gatepass.control"));
    };
    let Some(path) = text.value.strip_prefix("unix:") else {
        let help = format!("its file mode is what keeps others out: control = {CONTROL}");
        reading.problems.error(text.span, "the control socket is a unix socket", help);
        return None;
    };
    socket_path(reading, &text, path)
}

fn socket_address(reading: &mut Reading, text: &At<&str>) -> Option<SocketAddr> {
    if let Ok(address) = text.value.parse() {
        return Some(address);
    }
    let port = text.value.rsplit(':').next().filter(|port| port.parse::<u16>().is_ok()).unwrap_or("8080");
    let help = format!(
        "an IP address and a port: \"127.0.0.1:{port}\" for this machine only, \"0.0.0.0:{port}\" or \"[::]:{port}\" for \
         all, or \"unix:/path\""
    );
    reading.problems.error(text.span.clone(), "this is not an address to listen on", help);
    None
}

fn socket_path(reading: &mut Reading, text: &At<&str>, path: &str) -> Option<PathBuf> {
    // `sun_path` holds 108 bytes on Linux, 104 elsewhere, the final NUL included.
    const MOST: usize = 103;
    let resolved = reading.resolve(path);
    if path.is_empty() || path.starts_with("//") {
        reading.problems.error(
            text.span.clone(),
            "there is no path behind `unix:`",
            "unix:/run/gatepass.sock",
        );
        return None;
    }
    if resolved.as_os_str().len() > MOST {
        let message = format!("the path of a unix socket has at most {MOST} bytes");
        reading.problems.error(text.span.clone(), message, "a shorter one: unix:/run/gatepass.sock");
        return None;
    }
    Some(resolved)
}

fn plaintext(reading: &mut Reading, public: &[At<ListenAddress>], allowed: bool) {
    for address in public {
        let ListenAddress::Tcp(tcp) = address.value else { continue };
        if tcp.ip().is_loopback() {
            continue;
        }
        let span = address.span.clone();
        if allowed {
            reading.problems.warn(
                Some(span),
                "passwords and tokens cross the network unencrypted here (`allow_plaintext`)",
                "right only where something in front ends TLS on the same machine or a private network",
            );
        } else {
            reading.problems.error(
                span,
                "a public listener off loopback without TLS: passwords and tokens could be read on the way",
                "add [listen.tls] with certificate and key, or allow_plaintext = true in [listen] where something in \
                 front ends TLS",
            );
        }
    }
}

fn tls(reading: &mut Reading, section: &mut Section<'_>) -> Option<TlsFiles> {
    let mut tls = section.section(reading, "tls", "listen.tls");
    tls.header.as_ref()?;
    let certificate = tls.needed_string(reading, "certificate", "\"cert.pem\"");
    let key = tls.needed_string(reading, "key", "\"key.pem\"");
    tls.finish(reading);
    let certificate = certificate.and_then(|text| {
        let path = reading.resolve(text.value);
        pem(reading, &text, &path, "certificate", holds_certificates(&path)).then_some(path)
    });
    let key = key.and_then(|text| {
        let path = reading.resolve(text.value);
        let read = PrivateKeyDer::from_pem_file(&path).map(drop);
        pem(reading, &text, &path, "private key", read).then_some(path)
    });
    Some(TlsFiles { certificate: certificate?, key: key? })
}

/// Whether there is a certificate in it, or why not.
pub(super) fn holds_certificates(path: &Path) -> Result<(), rustls_pki_types::pem::Error> {
    let mut count = 0_usize;
    for certificate in CertificateDer::pem_file_iter(path)? {
        certificate?;
        count += 1;
    }
    if count == 0 { Err(rustls_pki_types::pem::Error::NoItemsFound) } else { Ok(()) }
}

/// Whether `read` went well; if not, it is reported.
pub(super) fn pem(
    reading: &mut Reading,
    text: &At<&str>,
    path: &Path,
    what: &str,
    read: Result<(), rustls_pki_types::pem::Error>,
) -> bool {
    let Err(error) = read else { return true };
    let (message, help) = match error {
        rustls_pki_types::pem::Error::Io(_) => (
            format!("the {what} cannot be read"),
            format!(
                "see whether {} is there and may be read; paths begin at this file's folder",
                path.display()
            ),
        ),
        rustls_pki_types::pem::Error::NoItemsFound => (
            format!("there is no {what} in this file"),
            format!("a PEM file with a block `-----BEGIN {}-----`", what.to_uppercase()),
        ),
        _ => (format!("the {what} is not well-formed PEM"), "write it again from its source".to_owned()),
    };
    reading.problems.error(text.span.clone(), message, help);
    false
}

fn trusted_proxies(reading: &mut Reading, section: &mut Section<'_>) -> Vec<IpNet> {
    let example = "[\"10.0.0.0/8\"]";
    let mut found = Vec::new();
    for text in
        section.strings(reading, "trusted_proxies", example).map(|list| list.value).unwrap_or_default()
    {
        let network =
            text.value.parse::<IpNet>().ok().or_else(|| text.value.parse::<IpAddr>().ok().map(IpNet::from));
        match network {
            Some(network) => {
                if network.prefix_len() == 0 {
                    reading.problems.warn(
                        Some(text.span),
                        "every client is believed about its own address",
                        "name only the proxies in front of this gateway",
                    );
                }
                found.push(network);
            }
            None => reading.problems.error(
                text.span,
                "this is neither a network nor an address",
                format!("networks in CIDR notation: trusted_proxies = {example}"),
            ),
        }
    }
    found
}
