//! `trailseal record`.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use trailseal_archive::key::is_region_like;
use trailseal_server::{Endpoint, MAX_LINES, Recorded, SendError, Sender};

use super::options::output::QuietOption;
use crate::{
    clock::now,
    error::{CommandError, PARTLY},
    interrupt::Interrupt,
    output,
    render::plain::{grouped, plural},
};

pub(crate) const AFTER_HELP: &str = "\
Examples:
  echo '{\"eventSource\":\"app.example.com\",\"eventName\":\"Deploy\"}' | trailseal record
      One event; what every record has and this one has not is added, and told: eventTime, eventID,
      userIdentity (of type Unknown) and others.
  zcat logs/*.json.gz | jq -c '.Records[]' | trailseal record --endpoint-url http://127.0.0.1:4578
      Replay log files into local trails.
  tail -f events.jsonl | trailseal record
      Events are sent as they come.

With --access-keys the server wants signatures: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN are
used where they are set.

Exit status:
  0  every event is recorded
  2  could not run: no server, wrong arguments; what was recorded until then is told
  3  some lines were refused, or a file could not be read; each is told (at most 100 lines of a request)";

/// Lines that wait to be sent; as long as they may be, they take 32 MiB.
const WAITING: usize = 128;
/// Lines that come within this time go together.
const GATHER: Duration = Duration::from_millis(20);
/// A request is sent when it has so many bytes.
const ENOUGH: usize = MAX_LINES / 2;
/// No event of CloudTrail is longer (docs/spec/records.md 2.1).
const LONGEST: usize = 256 << 10;
/// How often a broken connection is tried again, and the first pause, which doubles.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);

/// Send event records to `trailseal serve --data-dir`, for its local trails
///
/// Reads event records as JSON Lines and records them: the events are durable when they are counted as recorded, and
/// every local trail that logs and selects them delivers them in its next log files. What a record says stays as it
/// is, byte for byte; what every record of its version has and it lacks is added at its end, and told. If the
/// connection breaks, lines whose end is unknown are sent again, so that an event may be recorded twice, and none is
/// lost.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files of event records, one JSON object a line; `-` or none for stdin
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The server; without it `AWS_ENDPOINT_URL_CLOUDTRAIL`, `AWS_ENDPOINT_URL`, or `http://127.0.0.1:4578`
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// The region of events that name none [default: `AWS_REGION`, `AWS_DEFAULT_REGION`, or us-east-1]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    #[command(flatten)]
    quiet: QuietOption,
}

pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    let endpoint = Endpoint::new(&endpoint_url(args), &region(args)?, access_key()?)?;
    let mut sending = Sending {
        sender: Sender::new(endpoint)?,
        total: Total::default(),
        interrupt,
        is_quiet: args.quiet.is_quiet,
    };
    let stdin = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &stdin[..] } else { &args.files };
    let mut unread = 0;
    for file in files {
        match sending.file(file) {
            Ok(()) => {}
            Err(Failure::Unread(error)) => {
                unread += 1;
                output::note(&error);
            }
            Err(Failure::Unsent(error)) => return Err(sending.total.left_off(error)),
        }
    }
    let Total { recorded, refusals, .. } = sending.total;
    if !args.quiet.is_quiet {
        let events = if recorded == 1 { "event is" } else { "events are" };
        let added = sending.total.told_additions().map(|added| format!("; {added}")).unwrap_or_default();
        output::note(&format!("{} {events} recorded{added}", grouped(recorded)));
    }
    let mut lacks = Vec::new();
    if unread > 0 {
        lacks.push(format!("{} could not be read to the end", plural(unread, "file")));
    }
    if refusals > 0 {
        let lines = if refusals == 1 { "line was" } else { "lines were" };
        lacks.push(format!("{} {lines} refused, and not recorded", grouped(refusals)));
    }
    if lacks.is_empty() {
        return Ok(0);
    }
    let error = CommandError { status: PARTLY, ..CommandError::new(lacks.join("; ")) };
    Err(if refusals > 0 {
        error.hint("one event record a line; of log files: jq -c '.Records[]'")
    } else {
        error
    })
}

/// A variable of the environment that is set to something.
fn said(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn endpoint_url(args: &Args) -> String {
    let said = || said("AWS_ENDPOINT_URL_CLOUDTRAIL").or_else(|| said("AWS_ENDPOINT_URL"));
    args.endpoint_url.clone().or_else(said).unwrap_or_else(|| "http://127.0.0.1:4578".to_owned())
}

fn region(args: &Args) -> Result<String, CommandError> {
    let said = || said("AWS_REGION").or_else(|| said("AWS_DEFAULT_REGION"));
    let region = args.region.clone().or_else(said).unwrap_or_else(|| "us-east-1".to_owned());
    if is_region_like(&region) {
        return Ok(region);
    }
    Err(CommandError::new(format!("{region:?} is no region"))
        .hint("write it as us-east-1, with --region or AWS_REGION"))
}

fn access_key() -> Result<Option<(String, String, Option<String>)>, CommandError> {
    match (said("AWS_ACCESS_KEY_ID"), said("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => Ok(Some((id, secret, said("AWS_SESSION_TOKEN")))),
        (None, None) => Ok(None),
        _ => {
            Err(CommandError::new("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must both be set, or neither"))
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Total {
    recorded: u64,
    /// Of those, how many lacked what every record has.
    completed: u64,
    /// How often which member was added.
    added: BTreeMap<String, u64>,
    refusals: u64,
}

impl Total {
    fn add(&mut self, recorded: &Recorded) {
        self.recorded += recorded.recorded;
        self.completed += recorded.completed;
        self.refusals += recorded.refusals;
        for (member, count) in &recorded.added {
            *self.added.entry(member.clone()).or_default() += count;
        }
    }

    /// What was added to events, if anything was.
    fn told_additions(&self) -> Option<String> {
        let some = match self.completed {
            0 => return None,
            all if all == self.recorded && all == 1 => "it".to_owned(),
            all if all == self.recorded => "all of them".to_owned(),
            1 => "1 of them".to_owned(),
            several => format!("{} of them", grouped(several)),
        };
        let member = |(member, count): (&String, &u64)| {
            if *count == self.completed { member.clone() } else { format!("{member} ({})", grouped(*count)) }
        };
        let members: Vec<String> = self.added.iter().map(member).collect();
        Some(format!("to {some} was added what every record has: {}", members.join(", ")))
    }

    fn left_off(&self, mut error: CommandError) -> CommandError {
        let recorded = grouped(self.recorded);
        error.hints.insert(0, format!("{recorded} events are recorded; the rest may be sent again"));
        error
    }
}

struct Sending<'a> {
    sender: Sender,
    total: Total,
    interrupt: &'a Interrupt,
    is_quiet: bool,
}

enum Failure {
    /// A file; the others are sent.
    Unread(CommandError),
    /// Nothing can be sent.
    Unsent(CommandError),
}

impl Sending<'_> {
    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let shown = if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() };
        let unread = |error: io::Error| {
            Failure::Unread(CommandError::new(format!("cannot read {shown}")).because(error))
        };
        let input: Box<dyn io::Read + Send> = if path == Path::new("-") {
            if io::stdin().is_terminal() {
                output::note(&"reading event records from the terminal, one a line; Ctrl-D ends");
            }
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path).map_err(unread)?)
        };
        let (lines, gathered) = sync_channel(WAITING);
        // ends with its input, or with the process: a read from a terminal cannot be interrupted
        let reading = thread::spawn(move || read(input, &lines));
        self.lines(&shown, &gathered).map_err(Failure::Unsent)?;
        drop(gathered);
        match reading.join() {
            Ok(read) => read.map_err(unread),
            Err(_) => Err(unread(io::Error::other("reading it failed"))),
        }
    }

    /// Sends lines as they come, those that come together in one request.
    fn lines(&mut self, shown: &str, lines: &Receiver<InputLine>) -> Result<(), CommandError> {
        let mut request = Vec::new();
        let mut numbers = Vec::new();
        let mut first_came = Instant::now();
        loop {
            if self.interrupt.is_wanted() {
                return Err(CommandError::interrupted());
            }
            let next = if request.is_empty() {
                let line = lines.recv();
                first_came = Instant::now();
                line.map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                lines.recv_timeout(GATHER.saturating_sub(first_came.elapsed()))
            };
            let is_over = next == Err(RecvTimeoutError::Disconnected);
            match next {
                Ok(InputLine { number, text: Some(text) }) => {
                    request.extend_from_slice(&text);
                    request.push(b'\n');
                    numbers.push(number);
                    if request.len() < ENOUGH {
                        continue;
                    }
                }
                Ok(InputLine { number, text: None }) => {
                    let most = grouped(LONGEST as u64);
                    refuse(shown, number, &format!("it is longer than {most} bytes"));
                    self.total.refusals += 1;
                    continue;
                }
                Err(_) => {}
            }
            if !request.is_empty() {
                let recorded = self.send(std::mem::take(&mut request))?;
                accounted(&recorded, numbers.len() as u64)?;
                self.total.add(&recorded);
                for refused in recorded.refused {
                    let at = usize::try_from(refused.line).unwrap_or_default().saturating_sub(1);
                    refuse(shown, numbers.get(at).copied().unwrap_or_default(), &refused.reason);
                }
                numbers.clear();
            }
            if is_over {
                return Ok(());
            }
        }
    }

    fn send(&mut self, request: Vec<u8>) -> Result<Recorded, CommandError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.sender.send(request.clone(), now()) {
                Err(error) if error.may_pass() && self.total.recorded > 0 => {
                    if !self.is_quiet {
                        output::note(&format!("{error}; it is tried again"));
                    }
                    thread::sleep(pause);
                    pause *= 2;
                }
                sent => return Ok(sent?),
            }
        }
        Ok(self.sender.send(request, now())?)
    }
}

/// What answers for other lines than those that were sent is not believed: it need not be a server of ours.
fn accounted(recorded: &Recorded, sent: u64) -> Result<(), CommandError> {
    let told = recorded.recorded.checked_add(recorded.refusals);
    if told == Some(sent) {
        return Ok(());
    }
    let (lines, recorded, refusals) =
        (plural(sent, "line"), grouped(recorded.recorded), grouped(recorded.refusals));
    Err(CommandError::new(format!(
        "of {lines} that were sent the server says that {recorded} are recorded and {refusals} refused; what became of them \
         is not known"
    )))
}

fn refuse(shown: &str, line: u64, reason: &str) {
    output::note(&format!("{shown}, line {line}: {reason}; it is not recorded"));
}

#[derive(Debug, PartialEq, Eq)]
struct InputLine {
    /// From 1.
    number: u64,
    /// `None` for one that is too long.
    text: Option<Vec<u8>>,
}

/// Reads lines until the input ends, or nobody wants them any more.
fn read(input: Box<dyn io::Read + Send>, lines: &SyncSender<InputLine>) -> io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    if let Some(packed) = packed(input.fill_buf()?) {
        return Err(io::Error::other(format!(
            "it is {packed} data, and no lines of text; of log files: zcat FILE | jq -c '.Records[]' | trailseal record"
        )));
    }
    for number in 1.. {
        let mut text = Vec::new();
        let read = input.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut text)?;
        if read == 0 {
            break;
        }
        let is_whole = text.last() == Some(&b'\n');
        let is_too_long = !is_whole && text.len() > LONGEST;
        if is_too_long {
            skip_line(&mut input)?;
        }
        let text = text.trim_ascii();
        let line = InputLine { number, text: (!is_too_long).then(|| text.to_vec()) };
        if !text.is_empty() && lines.send(line).is_err() {
            break;
        }
    }
    Ok(())
}

/// The name of what packs a text, by its first bytes, of which no line of JSON begins with any.
fn packed(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        [b'P', b'K', 3, 4, ..] => Some("zip"),
        [b'B', b'Z', b'h', ..] => Some("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("xz"),
        _ => None,
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        input.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}

impl From<SendError> for CommandError {
    fn from(error: SendError) -> Self {
        let hint = match &error {
            SendError::Connection { .. } => {
                Some("`trailseal serve --data-dir DIR` runs a server; --endpoint-url says where it is")
            }
            SendError::Refused { code, .. }
                if ["Signature", "Token", "Client"].iter().any(|of| code.contains(of)) =>
            {
                Some("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key of the server's --access-keys")
            }
            SendError::Refused { code, .. }
                if code == "UnsupportedOperationException" || code.starts_with("Unknown") =>
            {
                Some("events can be recorded where the server has a --data-dir")
            }
            _ => None,
        };
        let new = Self::caused(error);
        match hint {
            Some(hint) => new.hint(hint),
            None => new,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, Option<usize>)> {
        let (sender, receiver) = sync_channel(100);
        read(Box::new(io::Cursor::new(text.to_vec())), &sender).unwrap();
        drop(sender);
        receiver.iter().map(|line| (line.number, line.text.map(|text| text.len()))).collect()
    }

    #[test]
    fn what_was_added_is_told_with_numbers_that_differ() {
        let told = |recorded, completed, added: &[(&str, u64)]| {
            let added = added.iter().map(|(member, count)| ((*member).to_owned(), *count)).collect();
            Total { recorded, completed, added, refusals: 0 }.told_additions()
        };
        assert_eq!(told(3, 0, &[]), None);
        let one = told(1, 1, &[("eventID", 1), ("eventTime", 1)]);
        assert_eq!(one.as_deref(), Some("to it was added what every record has: eventID, eventTime"));
        let all = told(2, 2, &[("eventID", 2), ("eventTime", 1)]);
        assert_eq!(
            all.as_deref(),
            Some("to all of them was added what every record has: eventID, eventTime (1)")
        );
        let some = told(9, 2, &[("eventID", 2)]);
        assert_eq!(some.as_deref(), Some("to 2 of them was added what every record has: eventID"));
    }

    #[test]
    fn a_server_must_answer_for_every_line_that_was_sent() {
        let told = |recorded, refusals| {
            let answer =
                Recorded { recorded, completed: 0, added: BTreeMap::new(), refusals, refused: Vec::new() };
            accounted(&answer, 3).is_ok()
        };
        assert!(told(3, 0) && told(0, 3) && told(2, 1));
        assert!(!told(0, 0) && !told(2, 0) && !told(3, 1) && !told(1_000_000, 0) && !told(u64::MAX, 4));
    }

    #[test]
    fn lines_are_numbered_as_an_editor_does() {
        assert_eq!(lines(b"ab\r\n\n  c\nlast"), [(1, Some(2)), (3, Some(1)), (4, Some(4))]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn what_is_packed_is_told_as_a_whole_and_not_by_its_lines() {
        for head in
            [&b"\x1f\x8b\x08\n\n\n"[..], b"PK\x03\x04\n", b"BZh9\n", b"\xfd7zXZ\0\n", b"\x28\xb5\x2f\xfd\n"]
        {
            let (sender, receiver) = sync_channel(100);
            let error = read(Box::new(io::Cursor::new(head.to_vec())), &sender).unwrap_err();
            assert!(error.to_string().contains("zcat FILE | jq"), "{error}");
            drop(sender);
            assert_eq!(receiver.iter().count(), 0, "{head:?}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_the_next_one_is_read() {
        let mut text = vec![b'x'; LONGEST * 3];
        text.extend_from_slice(b"\nafter\n");
        assert_eq!(lines(&text), [(1, None), (2, Some(5))]);
        let whole = vec![b'x'; LONGEST];
        assert_eq!(lines(&whole), [(1, Some(LONGEST))]);
    }
}
