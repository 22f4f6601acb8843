//! `trailseal serve`.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use indicatif::HumanBytes;
use trailseal_archive::walk::Roots;
use trailseal_evidence::{
    Error, Options as EvidenceOptions,
    events::{EventIndex, Statistics},
    ledger::Ledger,
    scan::{ScanOptions, Summary},
};
use trailseal_server::{
    AccessKeys, Archive, Bound, Buckets, Lookups, Options, Services, Timestamp, serve, stop,
};
use trailseal_verify::keys::{KeyRing, PublicKey};

use super::{
    lookup_events,
    verify::{self, parse},
};
use crate::{
    error::CommandError,
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
  trailseal serve --archive ./archive --keys ./keys
      Then, in another terminal, with any credentials:
      aws cloudtrail lookup-events --endpoint-url http://127.0.0.1:4578 --region eu-west-1
  AWS_ENDPOINT_URL_CLOUDTRAIL=http://127.0.0.1:4578 AWS_ENDPOINT_URL_S3=http://127.0.0.1:4578 \\
  aws cloudtrail validate-logs --trail-arn ARN --start-time 2024-03-01
      AWS's own validator over the archive: list-trails tells the ARN.
  trailseal serve --archive ./archive --listen 0.0.0.0:4578 --access-keys ./access-keys
      For other machines: every request must be signed with one of these keys.

Exit status:
  0  stopped by SIGTERM or Ctrl-C, after running requests had ended
  2  could not run: wrong arguments, unreadable archive, unusable keys, the address is taken";

/// Answer the CloudTrail API over an archive, for the AWS CLI and SDKs
///
/// `LookupEvents`, `ListPublicKeys`, `DescribeTrails`, `GetTrail`, `ListTrails` and `GetTrailStatus` over what an archive holds,
/// and S3's reading operations over its buckets with the metadata of digests, on one port. The archive is read once
/// at the start; `LookupEvents` answers for the region that the client names, newest first, without AWS's limits of
/// two calls a second and 90 days. Nothing is changed: operations that would are refused.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders that hold an archive (repeatable)
    #[arg(long, value_name = "ROOT", required = true, num_args = 1..)]
    archive: Vec<PathBuf>,

    /// Public keys for `ListPublicKeys`: files, or folders whose .json, .der and .pem files are read
    #[arg(long, value_name = "PATH", num_args = 1..)]
    keys: Vec<PathBuf>,

    /// Where to listen; port 0 for any free one
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 4578)))]
    listen: SocketAddr,

    /// Where S3's reading operations listen, if not on the same port
    #[arg(long, value_name = "ADDRESS")]
    s3_listen: Option<SocketAddr>,

    /// Who may call: a file with an access key id and its secret a line, or an AWS credentials file
    ///
    /// Every request must then carry a valid Signature Version 4. Without this option only this machine can call,
    /// with any credentials.
    #[arg(long, value_name = "FILE")]
    access_keys: Option<PathBuf>,

    /// Also answer `/health` and `/metrics` (Prometheus), at this address
    #[arg(long, value_name = "ADDRESS")]
    observe: Option<SocketAddr>,

    /// The account that the server plays [default: that of the archive; all, if it has several]
    #[arg(long, value_name = "ID", value_parser = account)]
    account: Option<String>,

    /// The region of requests that name none
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    region: String,

    /// `LookupEvents` finds only events of this last span of time, as 90d at AWS
    #[arg(long, value_name = "SPAN", value_parser = lookup_events::window)]
    window: Option<i64>,

    /// Threads that read the archive; 0 for one a processor
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = parse::threads)]
    threads: usize,

    /// Only errors on stderr
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    let access_keys = args.access_keys.as_deref().map(AccessKeys::read).transpose();
    let access_keys = access_keys.map_err(|error| CommandError::new(error.to_string()))?;
    let accounts = accounts(&args.archive)?;
    let account = args.account.clone().or_else(|| only(&accounts));
    let counts = Counts::new("reading", interrupt.clone());
    let began = Instant::now();

    let keys = public_keys(&args.keys)?;
    let buckets = buckets(args, &counts)?;
    let (index, summary) = index(args, &counts)?;
    if interrupt.is_wanted() {
        return Err(CommandError::interrupted());
    }
    let statistics = index.statistics();
    let took = began.elapsed().as_secs_f64();
    let lookups = Lookups::new(index, account.clone(), args.window);
    let archive = Archive::open(&args.archive, keys, account.clone(), Box::new(lookups))
        .map_err(|error| CommandError::new(error.to_string()))?;

    let mut options = Options::new(Arc::new(now));
    options.listen = args.listen;
    options.s3_listen = args.s3_listen;
    options.observe = args.observe;
    options.account = account.clone().or_else(|| accounts.first().cloned()).unwrap_or(options.account);
    options.region.clone_from(&args.region);
    options.access_keys = access_keys;
    let is_open = options.access_keys.is_none();
    let services = Services { cloudtrail: Arc::new(archive), audit: None, s3: Some(Arc::new(buckets)) };
    let (handle, stopped) = stop();
    interrupt.end_gently(move || handle.stop());
    let tell = |bound: &Bound| {
        if !args.quiet {
            tell_start(&summary, statistics, took, bound, account.as_deref(), is_open);
        }
    };
    serve(options, services, stopped, tell).map_err(|error| CommandError::new(error.to_string()))?;
    Ok(0)
}

fn tell_start(
    summary: &Summary,
    statistics: Statistics,
    took: f64,
    bound: &Bound,
    account: Option<&str>,
    is_open: bool,
) {
    // Nobody can be told that stderr is gone.
    let _ = summary::write(summary, &Told::default(), &mut anstream::stderr());
    let Statistics { records, bytes, .. } = statistics;
    output::note(&format!(
        "{} events are ready after {took:.1} s, in {}",
        grouped(records),
        HumanBytes(bytes)
    ));
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

/// The accounts that the archive's folders name.
fn accounts(roots: &[PathBuf]) -> Result<BTreeSet<String>, CommandError> {
    let units = Roots::open(roots).map_err(Error::Root)?.survey(&|_| true).units;
    Ok(units.into_keys().map(|unit| unit.account).filter(|account| !account.is_empty()).collect())
}

fn only(accounts: &BTreeSet<String>) -> Option<String> {
    accounts.first().filter(|_| accounts.len() == 1).cloned()
}

fn public_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>, CommandError> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let loaded = trailseal_evidence::keys::load(paths)?;
    if !loaded.content.defects.is_empty() {
        return Err(verify::key_defects(&loaded.content.defects));
    }
    Ok(loaded.content.keys)
}

/// The buckets that the digests say they come from.
fn buckets(args: &Args, counts: &Counts) -> Result<Buckets, CommandError> {
    let options = EvidenceOptions {
        roots: args.archive.clone(),
        keys: KeyRing::new(Vec::new()),
        threads: args.threads,
        ..EvidenceOptions::default()
    };
    let ledger = Ledger::load(&options, counts)?;
    let mut buckets = Buckets::new(None);
    for mapping in &ledger.summary().mappings {
        let folder = Path::new(&mapping.folder);
        buckets
            .add(&mapping.bucket, &mapping.prefix, folder)
            .map_err(|error| CommandError::new(format!("{}: {error}", folder.display())))?;
    }
    Ok(buckets)
}

fn index(args: &Args, counts: &Counts) -> Result<(EventIndex, Summary), CommandError> {
    let options =
        ScanOptions { inputs: args.archive.clone(), threads: args.threads, ..ScanOptions::default() };
    counts
        .watch(!args.quiet, || EventIndex::load(&options, counts))
        .map_err(|error| CommandError::new(error.to_string()))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn account(text: &str) -> Result<String, String> {
    let is_id = trailseal_archive::key::is_account_id(text);
    if is_id { Ok(text.to_owned()) } else { Err("an account id has 12 digits".to_owned()) }
}
