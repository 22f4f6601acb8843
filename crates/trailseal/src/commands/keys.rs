//! `trailseal keys`.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::ValueEnum;
use serde::Serialize;
use trailseal_archive::Timestamp;
use trailseal_evidence::keys::load;
use trailseal_verify::{KeyDefect, KeyEncoding, PublicKey};

use crate::{
    commands::options::input::must_exist,
    error::{COULD_NOT_RUN, CommandError},
    output,
    render::plain::{Table, shown},
};

/// List the public keys in key files: fingerprint, region, validity, size, encoding, and defects
///
/// Reads what `aws cloudtrail list-public-keys` prints (JSON in all its forms), PEM, DER and bare base64, as
/// PKCS#1 or `SubjectPublicKeyInfo`. The fingerprint is the MD5 of the key's bytes; it is recomputed, and a file
/// that states another one is defective. Exit status 2 when there is any defect.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Key files, or folders whose .json, .der and .pem files are read
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// What is written to stdout
    #[arg(short = 't', long, value_name = "FORMAT", value_enum, default_value = "text")]
    format: KeyFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyFormat {
    /// A table; defects on stderr
    Text,
    /// One JSON document, with the defects
    Json,
    /// One JSON object a line, with the defects
    Jsonl,
}

/// The name and version of the JSON document.
const SCHEMA: &str = "trailseal.keys/1";

#[derive(Serialize)]
struct KeyListing<'a> {
    schema: &'static str,
    keys: Vec<Key<'a>>,
    defects: Vec<Defect<'a>>,
}

#[derive(Serialize)]
struct Key<'a> {
    fingerprint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_start: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_end: Option<Timestamp>,
    bits: u32,
    encoding: KeyEncoding,
    file: &'a str,
}

#[derive(Serialize)]
struct Defect<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<usize>,
    reason: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum KeyLine<'a> {
    Key(&'a Key<'a>),
    Defect(&'a Defect<'a>),
}

/// Lists the keys.
///
/// # Errors
/// When a file cannot be read or stdout cannot be written.
pub(crate) fn run(args: &Args) -> Result<u8, CommandError> {
    must_exist(&args.files)?;
    let loaded = load(&args.files)?;
    let (keys, defects) = (&loaded.content.keys, &loaded.content.defects);
    for path in &loaded.ignored {
        output::note(&format!("not a key file by its name, and not read: {}", path.display()));
    }
    let listing = KeyListing {
        schema: SCHEMA,
        keys: keys.iter().map(key).collect(),
        defects: defects.iter().map(defect).collect(),
    };
    let mut out: Box<dyn Write> = match args.format {
        KeyFormat::Text => Box::new(output::screen()),
        KeyFormat::Json | KeyFormat::Jsonl => Box::new(output::data()),
    };
    write(&listing, args.format, &mut out)?;
    out.flush()?;
    if matches!(args.format, KeyFormat::Text) {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        for defect in defects {
            let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {}", shown(&defect.to_string()));
        }
    }
    Ok(if defects.is_empty() { 0 } else { COULD_NOT_RUN })
}

fn write(listing: &KeyListing<'_>, format: KeyFormat, out: &mut dyn Write) -> io::Result<()> {
    match format {
        KeyFormat::Text => {
            let mut table = Table::new([
                "FINGERPRINT",
                "REGION",
                "VALID FROM",
                "VALID UNTIL",
                "BITS",
                "ENCODING",
                "FILE",
            ]);
            for key in &listing.keys {
                let time = |time: Option<Timestamp>| time.map_or("-".to_owned(), |time| time.to_string());
                let encoding = match key.encoding {
                    KeyEncoding::Pkcs1 => "PKCS#1",
                    KeyEncoding::SubjectPublicKeyInfo => "SubjectPublicKeyInfo",
                };
                table.row([
                    key.fingerprint.to_owned(),
                    shown(key.region.unwrap_or("-")).into_owned(),
                    time(key.validity_start),
                    time(key.validity_end),
                    key.bits.to_string(),
                    encoding.to_owned(),
                    shown(key.file).into_owned(),
                ]);
            }
            table.write_on(output::width(), out)
        }
        KeyFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, listing)?;
            writeln!(out)
        }
        KeyFormat::Jsonl => {
            let lines =
                listing.keys.iter().map(KeyLine::Key).chain(listing.defects.iter().map(KeyLine::Defect));
            for line in lines {
                serde_json::to_writer(&mut *out, &line)?;
                writeln!(out)?;
            }
            Ok(())
        }
    }
}

fn key(key: &PublicKey) -> Key<'_> {
    Key {
        fingerprint: &key.fingerprint,
        region: key.region.as_deref(),
        validity_start: key.validity_start,
        validity_end: key.validity_end,
        bits: key.bits,
        encoding: key.encoding,
        file: &key.file,
    }
}

fn defect(defect: &KeyDefect) -> Defect<'_> {
    Defect { file: &defect.file, entry: defect.entry, reason: defect.reason.to_string() }
}
