//! `trailseal serve`.

mod archive;
mod local;
mod renew;
mod salvage;

use std::{
    collections::BTreeSet,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Instant,
};

use indicatif::HumanBytes;
use trailseal_evidence::{
    events::{LookupError, Statistics},
    scan::Summary,
};
use trailseal_query::lookup::LookupSource;
use trailseal_server::{
    AccessKeys, ArchiveTrails, Bound, Buckets, CloudTrail, Local, Lookups, Options, ServeError, ServedIndex,
    Services, audit::AuditEvents, check_addresses, serve, stop,
};

use self::{archive::ArchiveBuckets, renew::Renewing};
use super::options::{
    self,
    index::IndexUse,
    input,
    number::Threads,
    output::QuietOption,
    size::size,
    span::{Window, span},
};
use crate::{
    clock,
    error::{CommandError, PARTLY},
    interrupt::Interrupt,
    output,
    progress::Counts,
    render::{
        plain::grouped,
        query::summary::{self, Told},
    },
};

pub(crate) const AFTER_HELP: &str = "\
Examples:
  trailseal serve ./archive --keys ./keys
      Then, in another terminal, with any credentials:
      aws cloudtrail lookup-events --endpoint-url http://127.0.0.1:4578 --region eu-west-1
  AWS_ENDPOINT_URL_CLOUDTRAIL=http://127.0.0.1:4578 AWS_ENDPOINT_URL_S3=http://127.0.0.1:4578 \\
  aws cloudtrail validate-logs --trail-arn ARN --start-time 2024-03-01
      AWS's own validator over the archive: list-trails tells the ARN.
  trailseal serve --data-dir ./trails
      Then create-trail, start-logging and whatever else the AWS CLI can; `trailseal record` sends events.
  trailseal serve ./archive --listen 0.0.0.0:4578 --access-keys ./access-keys
      For other machines: every request must be signed with one of these keys.
  trailseal serve --salvage ./trails ./trails-new
      A new data folder of what is intact of a damaged one.

Exit status:
  0  stopped by SIGTERM or Ctrl-C, after running requests had ended and all was delivered; with --salvage, all was kept
  2  could not run: wrong arguments, unreadable archive, unusable keys, the address is taken, the data folder is in use
     or damaged
  3  stopped, but something could not be delivered; it is kept, and delivered after the next start; with --salvage,
     something is lost";

/// Answer the CloudTrail API over an archive and local trails, for the AWS CLI and SDKs
///
/// Over an archive: `LookupEvents`, `ListPublicKeys` and what reads trails; of their selectors, tags and starts what
/// the archive's own events of CloudTrail tell. It is never changed, and read at the start, on SIGHUP, and when a file
/// turns out to be gone or changed; `LookupEvents` answers for the region that the client names, newest first, without
/// AWS's limits of two calls a second and 90 days. With a data folder: all operations of the API on local trails, whose
/// log files and signed digest files are delivered into buckets there. S3's reading operations answer for the buckets of
/// both, with the metadata of digests, on the same port (`CreateBucket` makes one in the data folder), and so do the
/// calls of other services that tools make first (`sts:GetCallerIdentity`, `ec2:DescribeRegions`,
/// `iam:ListAccountAliases`, `tagging:GetResources`); all others are refused in their protocols.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("source").args(["roots", "archives", "data_dir", "salvage"]).required(true).multiple(true))]
pub(crate) struct Args {
    /// Folders that hold an archive
    #[arg(value_name = "ROOT")]
    roots: Vec<PathBuf>,

    /// The same as ROOT (repeatable)
    #[arg(long = "archive", value_name = "DIR")]
    archives: Vec<PathBuf>,

    /// Public keys for `ListPublicKeys`: a file, or a folder whose .json, .der and .pem files are read (repeatable)
    #[arg(long, value_name = "KEYS")]
    keys: Vec<PathBuf>,

    /// A folder for local trails; made if it is missing
    ///
    /// With it, trails can be created, changed and started. Every call is recorded as an event, and so is what comes by
    /// `PutAuditEvents` of the CloudTrail Data API and by `trailseal record`. For the trails that log, log files and
    /// signed digest files are delivered into buckets, which are the folders of this folder.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// How often log files of local trails are delivered, from 1s
    #[arg(long, value_name = "SPAN", value_parser = delivery_interval, default_value = "5m", requires = "data_dir")]
    delivery_interval: i64,

    /// The time that a digest file of local trails covers, from 2s
    #[arg(long, value_name = "SPAN", value_parser = digest_interval, default_value = "1h", requires = "data_dir")]
    digest_interval: i64,

    /// `LookupEvents` finds the newest local events up to this size; they are held in memory and in the data folder
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "256M", requires = "data_dir")]
    recent: u64,

    /// Let event selectors of local trails name types of resources that CloudTrail is not known to take
    ///
    /// Without it a `resources.type` that is not on the list of September 2026 is refused, as AWS refuses what is
    /// none: a trail with a misspelt type logs nothing.
    #[arg(long, requires = "data_dir")]
    allow_unknown_resource_types: bool,

    /// Look for new, changed and removed files of the archive this often, from 1s [default with no SPAN: 5s]
    ///
    /// Only what came or changed is read. All files are asked for their length and time every time, which finds changes on
    /// every file system, those of other machines too.
    #[arg(long, value_name = "SPAN", num_args = 0..=1, require_equals = true, default_missing_value = "5s", value_parser = watch_interval)]
    watch: Option<i64>,

    /// Make a new data folder OUT of what is intact of the damaged one DIR, say what was kept and what is lost, and end
    ///
    /// Nothing is changed in DIR. Events of the journal before and behind a damaged place are kept, trails as far as they can be
    /// read, states of deliveries and keys file by file, and all buckets. Where the state of a trail is lost, the next start
    /// tells from its bucket what need not be delivered again.
    #[arg(long, num_args = 2, value_names = ["DIR", "OUT"], exclusive = true)]
    salvage: Vec<PathBuf>,

    /// Where to listen, as ADDRESS:PORT; port 0 for any free one
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 4578)))]
    listen: SocketAddr,

    /// Where S3's reading operations listen, if not on the same port
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    s3_listen: Option<SocketAddr>,

    /// Who may call: a file with an access key id and its secret a line, or an AWS credentials file
    ///
    /// Every request must then carry a valid Signature Version 4. Without this option only this machine can call,
    /// with any credentials. Behind the secret may stand a session token, and whose the key is: `user_name=NAME`, or
    /// `arn=ARN` of a user, of root, of a role's session or of a federated user of the account (in a credentials file
    /// `user_name = NAME` and `arn = ARN`). Events of calls, their `Username` and `sts:GetCallerIdentity` name the
    /// owner; a key without one is a user of the key's own name.
    #[arg(long, value_name = "FILE")]
    access_keys: Option<PathBuf>,

    /// Also answer `/health` and `/metrics` (Prometheus), at this address, to anybody who can reach it
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    observe: Option<SocketAddr>,

    /// The account that the server plays [default: that of the archive; all, if it has several; with --data-dir and no
    /// such archive 123456789012]
    #[arg(long, value_name = "ID", value_parser = account)]
    account: Option<String>,

    /// The region of requests that name none
    #[arg(long, value_name = "REGION", value_parser = region, default_value = "us-east-1")]
    region: String,

    #[command(flatten)]
    window: Window,

    #[command(flatten)]
    index: IndexUse,

    #[command(flatten)]
    threads: Threads,

    #[command(flatten)]
    quiet: QuietOption,
}

impl Args {
    /// Whether there is a folder of local trails.
    pub(crate) fn has_local_trails(&self) -> bool {
        self.data_dir.is_some()
    }

    /// The folders of the archive.
    fn folders(&self) -> Vec<PathBuf> {
        self.roots.iter().chain(&self.archives).cloned().collect()
    }
}

pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    if let [from, to] = &args.salvage[..] {
        return salvage::run(from, to);
    }
    let access_keys = args.access_keys.as_deref().map(AccessKeys::read).transpose();
    let access_keys = access_keys.map_err(CommandError::caused)?;
    let mut options = Options::new(Arc::new(clock::now));
    options.listen = args.listen;
    options.s3_listen = args.s3_listen;
    options.observe = args.observe;
    options.access_keys = access_keys;
    // before an archive is read, which may take minutes
    check_addresses(&options).map_err(not_served)?;
    let keys = archive::public_keys(&options::keys::paths(&args.keys))?;
    let folders = args.folders();
    input::must_exist(&folders)?;
    if args.watch.is_some() && folders.is_empty() {
        return Err(CommandError::new("--watch looks at the files of an archive, and none is given"));
    }
    let inputs = archive::open(&folders)?;
    let accounts = inputs.accounts();
    let account = args.account.clone().or_else(|| only(&accounts));
    let counts = Counts::new("reading", interrupt.clone());
    let began = Instant::now();

    let mut buckets = Buckets::new(args.data_dir.clone());
    let (mut index, mut read, mut evidence) = (None, None, ArchiveBuckets::default());
    if !folders.is_empty() {
        evidence = archive::add_buckets(&mut buckets, &inputs, args, &counts)?;
        let (loaded, summary) = archive::index(&inputs, args, &counts)?;
        read = Some((summary, loaded.statistics()));
        index = Some(loaded);
    }
    if interrupt.is_wanted() {
        return Err(CommandError::interrupted());
    }
    let ArchiveBuckets { names, by_folder } = evidence;
    let has_buckets = !names.is_empty();
    let local = local::open(args, names)?.map(Arc::new);
    let took = began.elapsed().as_secs_f64();
    let mut sources: Vec<Arc<dyn LookupSource<Error = LookupError>>> = Vec::new();
    let index = index.map(|index| Arc::new(ServedIndex::new(index)));
    sources.extend(local.as_ref().map(|local| Arc::clone(local.recent()) as _));
    let lookups = Lookups::new(sources, account.clone(), args.window.seconds).with_archive(index.clone());
    let has_archive = !folders.is_empty() || !keys.is_empty();
    let archive = has_archive.then(|| ArchiveTrails::open(&inputs, keys, account.clone()));
    let archive = match (archive, &index) {
        (Some(trails), Some(index)) => {
            Some(trails.told_by(&*index.current(), clock::now()).map_err(CommandError::caused)?)
        }
        (archive, _) => archive,
    };

    // what comes in locally belongs to one account, of those of an archive to none in particular
    let other = if args.data_dir.is_some() { None } else { accounts.first().cloned() };
    options.account = account.clone().or(other).unwrap_or(options.account);
    let played = options.account.clone();
    options.region.clone_from(&args.region);
    if let Some(other) = options.access_keys.as_ref().and_then(|keys| keys.foreign_account(&played)) {
        let message = format!("an ARN in --access-keys is of account {other}, and the server plays {played}");
        return Err(CommandError::new(message).hint("--account says which account the server plays"));
    }
    let is_open = options.access_keys.is_none();
    let audit = local.clone().map(|local| local as Arc<dyn AuditEvents>);
    let texts = |arns: &mut dyn Iterator<Item = &str>| arns.map(str::to_owned).collect::<Vec<_>>();
    let unproven = texts(&mut archive.iter().flat_map(ArchiveTrails::unproven_trails));
    let unknown = texts(&mut archive.iter().flat_map(ArchiveTrails::trails_of_unknown_selectors));
    let has_trails = archive.as_ref().is_some_and(ArchiveTrails::has_trails);
    let cloudtrail = Arc::new(CloudTrail::new(lookups, archive, local.clone()));
    let renewing = index.map(|index| {
        let asked = Arc::clone(&index);
        interrupt.on_hangup(move || asked.ask());
        let cloudtrail = Arc::clone(&cloudtrail);
        Renewing { args, index, cloudtrail, account: account.clone(), interrupt: interrupt.clone() }
    });
    let services = Services { cloudtrail, audit, s3: Some(Arc::new(buckets)) };
    let (handle, stopped) = stop();
    interrupt.end_gently(move || handle.stop());
    let tell = |bound: &Bound| {
        if args.quiet.is_quiet {
            return;
        }
        if let Some((summary, statistics)) = &read {
            tell_archive(summary, *statistics, took);
            if statistics.records == 0 {
                output::note(&"no event was found in the archive: lookups have nothing of it");
            }
            tell_foreign_account(account.as_deref(), &accounts);
            tell_unproven(&unproven);
            tell_unknown(&unknown);
            if !has_trails {
                output::note(&"no digest file names a trail: none of the archive is described");
            }
            tell_buckets(&by_folder);
            if !has_buckets {
                output::note(
                    &"no bucket is known, so that S3 gives nothing of the archive: ROOT must be the folder of a bucket, \
                      with AWSLogs in it, or one that holds such folders",
                );
            }
        }
        if let Some(local) = &local {
            tell_local(local);
        }
        let account = account.as_deref().or(args.data_dir.as_ref().map(|_| played.as_str()));
        tell_start(bound, account, is_open);
    };
    let serve = || serve(options, services, stopped, tell);
    let (ended, is_all) =
        local::deliver_while(local.as_deref(), || renew::renew_while(renewing.as_ref(), serve));
    ended.map_err(not_served)?;
    if is_all {
        if local.is_some() && !args.quiet.is_quiet {
            output::note(&"stopped; all that trails had to deliver is delivered");
        }
        return Ok(0);
    }
    let message =
        "not everything that came in could be delivered; it is kept, and delivered after the next start";
    Err(CommandError { status: PARTLY, ..CommandError::new(message) })
}

/// With what can be done about it.
fn not_served(error: ServeError) -> CommandError {
    let hint = match &error {
        ServeError::NeedsAccessKeys(_) => {
            Some("--access-keys FILE says whose calls are taken; see `trailseal serve --help`")
        }
        ServeError::Bind { source, .. } => match source.kind() {
            io::ErrorKind::AddrInUse => Some(
                "something listens there, or two options name it; port 0, as in 127.0.0.1:0, is any free one",
            ),
            io::ErrorKind::AddrNotAvailable => {
                Some("this machine has no such address; 0.0.0.0 stands for all that it has")
            }
            io::ErrorKind::PermissionDenied => Some("ports below 1024 are for root; take a higher one"),
            _ => None,
        },
        _ => None,
    };
    hint.into_iter().fold(CommandError::caused(error), CommandError::hint)
}

fn tell_archive(summary: &Summary, statistics: Statistics, took: f64) {
    // Nobody can be told that stderr is gone.
    let told = Told {
        unverified: Some(summary::BY_COMMAND),
        copies: Some(summary::LOOKED_UP_ONCE),
        ..Told::default()
    };
    let _ = summary::write(summary, &told, &mut output::notes());
    let Statistics { records, bytes, .. } = statistics;
    output::note(&format!(
        "{} events are ready after {took:.1} s, in {}",
        grouped(records),
        HumanBytes(bytes)
    ));
}

fn tell_unproven(trails: &[String]) {
    let Some(first) = trails.first() else { return };
    let (what, which) = match trails.len() {
        1 => ("a trail is".to_owned(), first.clone()),
        several => (format!("{several} trails are"), format!("{first} and others")),
    };
    output::note(&format!(
        "{what} left out, since no key proves one of the newest digests that name it: {}",
        crate::render::plain::shown(&which)
    ));
}

fn tell_unknown(trails: &[String]) {
    let Some(first) = trails.first() else { return };
    let which = if trails.len() == 1 { first.clone() } else { format!("{first} and others") };
    output::note(&format!(
        "no event tells the event selectors of {}: those of a new trail are answered",
        crate::render::plain::shown(&which)
    ));
}

/// An account that was asked for and that no folder is of.
fn tell_foreign_account(asked: Option<&str>, accounts: &BTreeSet<String>) {
    let Some(asked) = asked.filter(|asked| !accounts.is_empty() && !accounts.contains(*asked)) else {
        return;
    };
    let there: Vec<&str> = accounts.iter().map(String::as_str).take(5).collect();
    let more = if accounts.len() > there.len() { " and others" } else { "" };
    output::note(&format!(
        "no folder of the archive is of account {asked}, for which is answered: they are of {}{more}",
        there.join(", ")
    ));
}

/// Buckets that no digest names.
fn tell_buckets(names: &BTreeSet<String>) {
    if names.is_empty() {
        return;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (what, whose) =
        if names.len() == 1 { ("bucket", "its folder") } else { ("buckets", "their folders") };
    output::note(&format!("{what} by the name of {whose}, since no digest names them: {}", names.join(", ")));
}

fn tell_local(local: &Local) {
    let trails = match local.logging_trails() {
        0 => "no trail is logging".to_owned(),
        1 => "1 trail is logging".to_owned(),
        several => format!("{several} trails are logging"),
    };
    output::note(&format!("{trails}; buckets are the folders of {}", local.folder().display()));
}

fn tell_start(bound: &Bound, account: Option<&str>, is_open: bool) {
    let account = account.map_or_else(|| "all accounts".to_owned(), |account| format!("account {account}"));
    let who = if is_open { "any credentials are accepted" } else { "requests must be signed" };
    output::note(&format!("listening on http://{} for {account}; {who}", bound.api));
    if let Some(s3) = bound.s3 {
        output::note(&format!("S3's reading operations on http://{s3}"));
    }
    if let Some(observe) = bound.observe {
        output::note(&format!("health and metrics on http://{observe}"));
    }
}

fn only(accounts: &BTreeSet<String>) -> Option<String> {
    accounts.first().filter(|_| accounts.len() == 1).cloned()
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let own = text.strip_prefix("localhost:").map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
    let address = own.as_deref().unwrap_or(text).parse();
    address.map_err(|_| "write an address and a port, as 127.0.0.1:4578 or [::1]:4578".to_owned())
}

fn account(text: &str) -> Result<String, String> {
    let is_id = trailseal_archive::key::is_account_id(text);
    if is_id { Ok(text.to_owned()) } else { Err("an account id has 12 digits".to_owned()) }
}

fn region(text: &str) -> Result<String, String> {
    let is_region = trailseal_archive::key::is_region_like(text);
    if is_region { Ok(text.to_owned()) } else { Err("write a region as us-east-1".to_owned()) }
}

fn delivery_interval(text: &str) -> Result<i64, String> {
    interval(text, 1)
}

fn digest_interval(text: &str) -> Result<i64, String> {
    interval(text, 2)
}

fn watch_interval(text: &str) -> Result<i64, String> {
    interval(text, 1)
}

fn interval(text: &str, least: i64) -> Result<i64, String> {
    let seconds = span(text)?;
    if seconds < least { Err(format!("it is at least {least}s")) } else { Ok(seconds) }
}
