//! Which host a request names (RFC 9112 3.2): one and only one, this machine where anybody may call, and perhaps a
//! bucket in front of it.

use std::net::{IpAddr, SocketAddr};

use hyper::{HeaderMap, Method, Request, Version, header::HOST, http::uri::Authority};

/// The names that S3 has in front of its host: of all Regions, and of one.
const S3: &str = "s3";

/// The name of this machine, and the end of others that mean it (RFC 6761 6.3).
const LOCALHOST: &str = "localhost";

/// What is wrong with the host of a request, whoever may call.
pub(crate) fn fault<B>(request: &Request<B>) -> Option<&'static str> {
    let mut lines = request.headers().get_all(HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Some("Host stands more than once");
    }
    if request.method() == Method::CONNECT {
        return Some("this is no proxy");
    }
    let named = match line.map(|line| line.to_str().ok().and_then(authority)) {
        Some(Some(named)) => named,
        Some(None) => return Some("Host is not NAME or NAME:PORT"),
        // programs that ask after health, of HTTP/1.0, need not name one
        None if request.version() < Version::HTTP_11 && request.uri().authority().is_none() => return None,
        None => return Some("Host is missing"),
    };
    // the target of a request through a proxy, which wins over Host (RFC 9112 3.2.2): both must be one
    let target = request.uri().authority()?;
    let is_same = !target.as_str().contains('@')
        && without_port_80(target.as_str()).eq_ignore_ascii_case(without_port_80(&named));
    (!is_same).then_some("the target names another host than Host")
}

/// The one `Host` of a request; `None` where there is none, or several.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(HOST).iter();
    let line = lines.next()?.to_str().ok()?.trim();
    lines.next().is_none().then_some(line)
}

fn authority(text: &str) -> Option<String> {
    let text = text.trim();
    let parsed: Authority = text.parse().ok()?;
    // a comma joins two lines into one
    (!text.contains(['@', ',']) && !parsed.host().is_empty()).then(|| text.to_owned())
}

fn without_port_80(host: &str) -> &str {
    host.strip_suffix(":80").unwrap_or(host)
}

/// The name or address, without the port, the brackets of IPv6, and the root's dot.
fn name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether `Host` names this machine, whatever the port: a loopback address, `localhost`, or a bucket before it.
pub(crate) fn is_this_machine(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().to_canonical().is_loopback();
    }
    let name = name(host);
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name.eq_ignore_ascii_case(LOCALHOST) || below_localhost(name).is_some(),
    }
}

/// The bucket that a host names, if it does; `first` is the first part of the path, which is a bucket where the host
/// names none.
///
/// Below `localhost` every name is one of a bucket, unless only the path names a bucket that there is: so that a bucket
/// that is not there is refused, and the list of all buckets never taken for its content. Other names, by which a
/// server with access keys is reached, may begin with a bucket, but the path has the first word.
pub(crate) fn bucket<'h>(host: &'h str, first: &str, is_bucket: impl Fn(&str) -> bool) -> Option<&'h str> {
    let name = name(host);
    if name.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case(LOCALHOST) {
        return None;
    }
    if let Some(name) = below_localhost(name) {
        let bucket = before_s3(name)?;
        return Some(bucket).filter(|bucket| is_bucket(bucket) || !is_bucket(first));
    }
    if is_bucket(first) {
        return None;
    }
    // the longest name wins: a bucket may have dots
    name.rmatch_indices('.').map(|(at, _)| &name[..at]).find(|bucket| is_bucket(bucket))
}

/// What stands before `.localhost`.
fn below_localhost(name: &str) -> Option<&str> {
    let at = name.len().checked_sub(LOCALHOST.len() + 1)?;
    let end = name.get(at..)?.strip_prefix('.')?;
    (at > 0 && end.eq_ignore_ascii_case(LOCALHOST)).then(|| &name[..at])
}

/// The bucket before `s3` or `s3.REGION`; all of the name where neither stands there, and nothing where nothing else
/// does.
fn before_s3(name: &str) -> Option<&str> {
    let is_s3 = |label: &str| label.eq_ignore_ascii_case(S3);
    let (rest, last) = name.rsplit_once('.').map_or((None, name), |(rest, last)| (Some(rest), last));
    if is_s3(last) {
        return rest;
    }
    let Some(rest) = rest else { return Some(name) };
    let (before, label) = rest.rsplit_once('.').map_or((None, rest), |(before, label)| (Some(before), label));
    let is_region = trailseal_archive::key::is_region_like(last);
    if is_s3(label) && is_region { before } else { Some(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, version: Version, hosts: &[&str]) -> Request<()> {
        let mut request = Request::builder().method(method).uri(target).version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn only_names_of_this_machine_mean_it() {
        for host in [
            "127.0.0.1:4578",
            "127.8.8.8",
            "localhost",
            "localhost.",
            "LocalHost:1",
            "b.localhost:4578",
            "b.s3.LOCALHOST",
            "[::1]:4578",
            "[::1]",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            ".localhost",
            "evil.example:4578",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evillocalhost",
            "b.127.0.0.1:4578",
            "10.0.0.1:4578",
            "[::ffff:8.8.8.8]",
            "::ffff:8.8.8.8",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn a_request_names_one_host() {
        let ok = |target: &str, hosts: &[&str]| fault(&request("POST", target, Version::HTTP_11, hosts));
        for (target, host) in [
            ("/", "127.0.0.1:1"),
            ("/", "[::1]:1"),
            ("/", "evil.example"),
            ("http://a.example/x", "A.example"),
            ("http://a.example/x", "a.example:80"),
            ("http://[::1]:1/", "[::1]:1"),
        ] {
            assert_eq!(ok(target, &[host]), None, "{target} {host}");
        }
        assert_eq!(ok("/", &["a", "a"]), Some("Host stands more than once"));
        assert_eq!(ok("/", &["127.0.0.1", "evil.example"]), Some("Host stands more than once"));
        assert_eq!(ok("/", &[]), Some("Host is missing"));
        for host in ["", " ", "a b", "a/b", "a,b", "u@a", "a:b:c", "a#b", "a?b", "[::1"] {
            assert_eq!(ok("/", &[host]), Some("Host is not NAME or NAME:PORT"), "{host:?}");
        }
        for (target, host) in [
            ("http://evil.example/", "127.0.0.1"),
            ("http://127.0.0.1/", "127.0.0.1:4578"),
            ("http://127.0.0.1@evil.example/", "127.0.0.1"),
            ("http://u@127.0.0.1/", "127.0.0.1"),
        ] {
            assert_eq!(ok(target, &[host]), Some("the target names another host than Host"), "{target}");
        }
        let old = |target: &str, hosts: &[&str]| fault(&request("GET", target, Version::HTTP_10, hosts));
        assert_eq!(old("/health", &[]), None);
        assert_eq!(old("http://evil.example/", &[]), Some("Host is missing"));
        assert!(fault(&request("CONNECT", "a:1", Version::HTTP_11, &["a:1"])).is_some());
    }

    #[test]
    fn buckets_stand_before_the_host() {
        let is_bucket = |name: &str| ["audit", "my.logs", "example.com"].contains(&name);
        for (host, first, expected) in [
            ("127.0.0.1:1", "", None),
            ("[::1]:1", "audit", None),
            ("localhost:1", "", None),
            ("s3.localhost", "audit", None),
            ("s3.eu-west-1.localhost", "audit", None),
            ("audit.localhost:1", "", Some("audit")),
            ("audit.localhost.", "AWSLogs", Some("audit")),
            ("audit.s3.localhost", "", Some("audit")),
            ("audit.s3.us-gov-west-1.localhost:80", "", Some("audit")),
            ("my.logs.localhost", "", Some("my.logs")),
            ("my.logs.s3.localhost", "audit", Some("my.logs")),
            // what is not there is refused, and not answered as if it were something else
            ("none.localhost", "", Some("none")),
            ("none.localhost", "AWSLogs", Some("none")),
            // a name of the server
            ("none.localhost", "audit", None),
            ("ct.example.com", "", None),
            ("audit.ct.example.com:1", "", Some("audit")),
            ("audit.ct.example.com", "my.logs", None),
            ("my.logs.ct.example.com", "x", Some("my.logs")),
            // the whole host is no bucket: something stands behind it
            ("example.com", "", None),
            ("example.com.internal", "", Some("example.com")),
        ] {
            assert_eq!(bucket(host, first, is_bucket), expected, "{host} {first}");
        }
    }
}
