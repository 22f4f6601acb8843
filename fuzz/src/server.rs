//! Targets of the server: requests on the wire, and their signatures.

use ring::{digest, hmac};
use serde_json::Value;
use trailseal_server::{
    AccessKeys, ErrorCode, Timestamp, audit,
    sigv4::{SignatureRules, Verified, verify},
    wire::{self, MAX_DEPTH, WireAnswer, WireRequest},
};

/// Requests: never a panic; what is accepted is what the bytes say, and what is rendered is valid JSON.
pub fn wire(data: &[u8]) {
    let message = Message::parse(data);
    let headers = message.headers();
    let request = message.request(&headers);
    let parsed = wire::parse(&request);
    assert!(parsed.is_err() || wire::operation(&request).is_ok());
    match &parsed {
        Ok(call) => {
            assert!(call.input.is_object() && !has_null(&call.input) && depth(&call.input) <= MAX_DEPTH);
            if let Some(scope) = &call.scope {
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                assert!(scope.access_key.chars().all(is_word) && scope.region.chars().all(is_word));
                assert!(!scope.access_key.is_empty() && !scope.region.is_empty());
            }
            let rendered = wire::render(Ok(call.input.clone().into()));
            assert!(is_same(&json(&rendered), &call.input), "{call:?}");
            assert_eq!(rendered.status, 200);
        }
        Err(error) => {
            let rendered = wire::render(Err(error.clone()));
            assert_eq!(json(&rendered)["__type"], error.code.as_str());
            assert_eq!(json(&rendered)["message"], error.message);
            assert_eq!(rendered.status, 400);
        }
    }
    match audit::parse(&WireRequest { path: audit::PATH, ..request }) {
        Ok(call) => {
            assert!(!call.channel_arn.is_empty() && call.input.is_object());
            let rendered = audit::render(&Ok(call.input.clone()));
            assert!(is_same(&json(&rendered), &call.input), "{call:?}");
        }
        Err(error) => {
            let rendered = audit::render(&Err(error.clone()));
            assert_eq!(json(&rendered)["message"], error.message);
            assert_eq!((rendered.status, rendered.error_type), (400, Some(error.code.as_str())));
        }
    }
    for code in [ErrorCode::InternalFailure, ErrorCode::ServiceUnavailable] {
        let rendered = wire::refuse(wire::status(code), code.as_str(), &message.query);
        assert_eq!(json(&rendered)["message"], message.query);
    }
}

fn json(answer: &WireAnswer) -> Value {
    serde_json::from_slice(&answer.body).expect("answers are JSON")
}

/// Whether two values are equal; fractions may differ in their last bits, which reading decimals does not keep.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_same(value, other)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Number(one), Value::Number(other)) if one.is_f64() && other.is_f64() => {
            let (one, other) = (one.as_f64().unwrap_or_default(), other.as_f64().unwrap_or_default());
            (one - other).abs() <= 4.0 * (f64::EPSILON * one.abs()).max(f64::MIN_POSITIVE)
        }
        _ => one == other,
    }
}

/// Whether a member is null; an element of a list may be.
fn has_null(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().any(|member| member.is_null() || has_null(member)),
        Value::Array(elements) => elements.iter().any(has_null),
        _ => false,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// When the signed requests of the corpus were signed.
const NOW: i64 = 1_709_294_400;
const DATE: &str = "20240301T120000Z";
const KEYS: &str = "AKIAEXAMPLEEXAMPLE01 made/up+secret0000000000000000000000000001\n\
                    ASIAEXAMPLEEXAMPLE02 made/up+secret0000000000000000000000000002 made-up-token//==\n";

/// Signatures: never a panic; what another implementation signs verifies; with one byte of a signed part changed it
/// does not, unless the change is one that the canonical form does not know.
///
/// The first three bytes say what is changed, the fourth into what; a request follows. It is signed here if its own signature
/// does not verify.
pub fn sigv4(data: &[u8]) {
    let Some((&[part, high, low, byte], rest)) = data.split_first_chunk::<4>() else { return };
    let mut message = Message::parse(rest);
    let verified = [SignatureRules::CLOUDTRAIL, SignatureRules::S3]
        .into_iter()
        .find(|rules| message.verify(*rules).is_some());
    let rules = verified.unwrap_or_else(|| {
        let rules =
            if message.has("x-amz-content-sha256") { SignatureRules::S3 } else { SignatureRules::CLOUDTRAIL };
        message.sign(rules);
        assert!(message.verify(rules).is_some(), "{message:?}");
        rules
    });
    let canonical = message.canonical(rules);
    let at = usize::from(u16::from_be_bytes([high, low]));
    let mut changed = message.clone();
    let Some(change) = changed.change(part, at, byte) else { return };
    let is_accepted = changed.verify(rules).is_some();
    match change {
        Change::Authorization => assert!(!is_accepted, "{changed:?}"),
        Change::Signed => assert_eq!(is_accepted, changed.canonical(rules) == canonical, "{changed:?}"),
    }
}

/// What was changed.
enum Change {
    /// The scope, the names or the signature.
    Authorization,
    /// A part of the request.
    Signed,
}

/// A request, written as HTTP is: `POST /path?query`, lines of headers, an empty line, the body.
#[derive(Clone, Debug)]
struct Message {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Message {
    fn parse(data: &[u8]) -> Self {
        let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
            Some(at) => (&data[..at], &data[at + 2..]),
            None => (data, &[][..]),
        };
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let (method, target) = first.split_once(' ').unwrap_or((&first, "/"));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |line: &[u8]| {
            let at = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..at]).to_ascii_lowercase();
            Some((name, line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..]).to_vec()))
        };
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: lines.filter_map(header).take(50).collect(),
            body: body.to_vec(),
        }
    }

    fn headers(&self) -> Vec<(&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect()
    }

    fn request<'a>(&'a self, headers: &'a [(&'a str, &'a [u8])]) -> WireRequest<'a> {
        WireRequest { method: &self.method, path: &self.path, query: &self.query, headers, body: &self.body }
    }

    fn verify(&self, rules: SignatureRules) -> Option<Verified> {
        let keys = AccessKeys::parse(KEYS).expect("two keys");
        verify(&self.request(&self.headers()), rules, &keys, Timestamp::from_millis(NOW * 1000)).ok()
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other == name)
    }

    fn header(&self, name: &str) -> String {
        let value = self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_slice());
        String::from_utf8_lossy(value.unwrap_or_default()).trim().to_owned()
    }

    /// Makes the request one that can be signed, and signs it: all headers whose names are names, and whatever their values.
    fn sign(&mut self, rules: SignatureRules) {
        let has_token = self.has("x-amz-security-token");
        let is_unsigned = rules.unsigned_payload && self.header("x-amz-content-sha256") == "UNSIGNED-PAYLOAD";
        self.headers.retain(|(name, _)| {
            let is_name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
            let is_made_here = ["authorization", "host", "x-amz-date", "x-amz-security-token"];
            name.bytes().all(is_name)
                && !name.is_empty()
                && !is_made_here.contains(&name.as_str())
                && name != "x-amz-content-sha256"
        });
        for (_, value) in &mut self.headers {
            *value = String::from_utf8_lossy(value).into_owned().into_bytes();
        }
        let mut add = |name: &str, value: &str| {
            self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        };
        add("host", "127.0.0.1:4578");
        add("x-amz-date", DATE);
        let (key, secret) = if has_token {
            add("x-amz-security-token", "made-up-token//==");
            ("ASIAEXAMPLEEXAMPLE02", "made/up+secret0000000000000000000000000002")
        } else {
            ("AKIAEXAMPLEEXAMPLE01", "made/up+secret0000000000000000000000000001")
        };
        if rules.path_as_sent {
            let hash = sha256(&self.body);
            add("x-amz-content-sha256", if is_unsigned { "UNSIGNED-PAYLOAD" } else { &hash });
        }
        let mut signed: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        signed.sort_unstable();
        signed.dedup();
        let signed = signed.join(";");
        let scope = format!("20240301/eu-west-1/{}/aws4_request", rules.services[0]);
        let authorization = |signature: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={signed}, Signature={signature}"
            )
        };
        self.headers.push(("authorization".to_owned(), authorization("").into_bytes()));
        let to_sign =
            format!("AWS4-HMAC-SHA256\n{DATE}\n{scope}\n{}", sha256(self.canonical(rules).as_bytes()));
        let mut key = format!("AWS4{secret}").into_bytes();
        for step in scope.split('/').chain([to_sign.as_str()]) {
            let step = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), step.as_bytes());
            key = step.as_ref().to_vec();
        }
        let signature = authorization(&hex(&key));
        self.headers.last_mut().expect("it was added").1 = signature.into_bytes();
    }

    /// The canonical request of AWS's documentation, read off the page.
    fn canonical(&self, rules: SignatureRules) -> String {
        let authorization = self.header("authorization");
        let signed = authorization.split("SignedHeaders=").nth(1).unwrap_or_default();
        let signed = signed.split(',').next().unwrap_or_default().trim();
        let mut lines = vec![self.method.clone(), self.canonical_path(rules), self.canonical_query()];
        for name in signed.split(';') {
            let values = self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| {
                let value = String::from_utf8_lossy(value).into_owned();
                value.split(|c: char| c.is_ascii_whitespace()).filter(|word| !word.is_empty()).fold(
                    String::new(),
                    |text, word| if text.is_empty() { word.to_owned() } else { text + " " + word },
                )
            });
            lines.push(format!("{name}:{}", values.collect::<Vec<_>>().join(",")));
        }
        lines.push(String::new());
        lines.push(signed.to_owned());
        let stated = self.header("x-amz-content-sha256");
        let is_unsigned = rules.unsigned_payload && stated == "UNSIGNED-PAYLOAD";
        lines.push(if is_unsigned { stated } else { sha256(&self.body) });
        lines.join("\n")
    }

    fn canonical_path(&self, rules: SignatureRules) -> String {
        if rules.path_as_sent {
            return self.path.clone();
        }
        let mut stack = Vec::new();
        let mut is_folder = false;
        for part in self.path.split('/') {
            is_folder = matches!(part, "" | "." | "..");
            match part {
                "" | "." => {}
                ".." => drop(stack.pop()),
                part => stack.push(percent(part.as_bytes())),
            }
        }
        let end = if is_folder && !stack.is_empty() { "/" } else { "" };
        format!("/{}{end}", stack.join("/"))
    }

    fn canonical_query(&self) -> String {
        let mut pairs = Vec::new();
        for pair in self.query.split('&') {
            if !pair.is_empty() {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                pairs.push((percent(&unpercent(name)), percent(&unpercent(value))));
            }
        }
        pairs.sort();
        pairs.into_iter().map(|(name, value)| name + "=" + &value).collect::<Vec<_>>().join("&")
    }

    /// Replaces one byte of one part; `None` where that changes nothing, or would change what text is.
    fn change(&mut self, part: u8, at: usize, byte: u8) -> Option<Change> {
        let authorization = self.header("authorization");
        let signed = authorization.split("SignedHeaders=").nth(1)?.split(',').next()?.trim();
        let is_signed = |name: &str| signed.split(';').any(|other| other == name);
        let headers: Vec<usize> =
            (0..self.headers.len()).filter(|at| is_signed(&self.headers[*at].0)).collect();
        match usize::from(part) % (5 + headers.len()) {
            0 => change_text(&mut self.method, at, byte)?,
            1 => change_text(&mut self.path, at, byte)?,
            2 => change_text(&mut self.query, at, byte)?,
            3 => {
                let at = at % self.body.len().max(1);
                let old = self.body.get_mut(at)?;
                (*old != byte).then(|| *old = byte)?;
            }
            4 => {
                let mut text = authorization.clone();
                change_text(&mut text, at, byte)?;
                // how it is spaced is not signed
                let is_same = |a: &str, b: &str| a.split_whitespace().eq(b.split_whitespace());
                let value = &mut self.headers.iter_mut().find(|(name, _)| name == "authorization")?.1;
                *value = text.clone().into_bytes();
                return (!is_same(&text, &authorization)).then_some(Change::Authorization);
            }
            number => {
                let mut text = String::from_utf8(self.headers[headers[number - 5]].1.clone()).ok()?;
                change_text(&mut text, at, byte)?;
                self.headers[headers[number - 5]].1 = text.into_bytes();
            }
        }
        Some(Change::Signed)
    }
}

fn change_text(text: &mut String, at: usize, byte: u8) -> Option<()> {
    let at = at % text.len().max(1);
    let old = *text.as_bytes().get(at)?;
    if !old.is_ascii() || !byte.is_ascii() || old == byte {
        return None;
    }
    text.replace_range(at..=at, &char::from(byte).to_string());
    Some(())
}

fn percent(bytes: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let each =
        |byte: &u8| if is_plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    bytes.iter().map(each).collect()
}

fn unpercent(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::new();
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            bytes.push((high * 16 + low) as u8);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    bytes
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}
