//! One link of a chain: a digest file's bytes become a row, without looking at any other file.

use std::error::Error;

use serde::Serialize;
use trailseal_archive::{
    Timestamp,
    gzip::{Ending, Form},
    key::{DigestName, KeyParts},
};
use trailseal_sha256 as sha256;

use crate::{
    chain_id::{ChainId, ChainKind},
    digest::{Digest, DigestError},
    finding::Code,
    keys::KeyRing,
    limits::Limits,
    signature::{self, Signature, SignatureCheck},
};

/// Where a file was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundAt {
    /// The path as found, for people.
    pub path: String,
    /// The bucket that this place stands for, where it is known.
    pub bucket: Option<String>,
    /// The key that this place stands for.
    pub key: String,
}

impl FoundAt {
    /// Whether this place is that of `object`; a file stored inflated may have lost its `.gz`.
    pub fn is_place_of(&self, object: &str) -> bool {
        self.key == object || object.strip_suffix(".gz") == Some(&self.key)
    }
}

/// A digest file as read.
#[derive(Clone, Debug)]
pub struct DigestFile<'a> {
    /// The inflated bytes of its first gzip member, or the bytes as stored; or why it was not read.
    pub content: Result<&'a [u8], &'a dyn Error>,
    /// How it was stored.
    pub form: Form,
    /// How the compressed data ended.
    pub ending: &'a Ending,
    /// Signatures found beside it.
    pub signatures: Vec<Signature>,
    /// `backfill-generation-timestamp`, as found.
    pub backfill_generated: Option<String>,
    /// Why metadata that lie beside it could not be used.
    pub metadata_problem: Option<String>,
}

/// A digest file after looking at it alone; made by [`examine`] and [`parse_digest_file`] alone, so that nobody else says
/// what a signature is worth.
#[derive(Clone, Debug)]
pub struct DigestRow<P = FoundAt> {
    /// Where it was found; `()` where it is not known yet.
    pub found: P,
    /// SHA-256 of the inflated bytes.
    pub sha256: [u8; 32],
    /// Inflated bytes.
    pub inflated: u64,
    /// Whether it is stored inflated.
    pub is_stored_inflated: bool,
    /// Bytes after the content: how many, and whether they are a gzip member.
    pub trailing: Option<Trailing>,
    /// What it says, if it says anything.
    pub content: DigestContent,
    pub(crate) signatures: Vec<(Signature, SignatureCheck)>,
    /// When a backfill digest was generated.
    pub backfill_generated: Option<Timestamp>,
    /// Why metadata that lie beside it could not be used.
    pub metadata_problem: Option<String>,
}

/// Bytes after a gzip member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailing {
    /// How many.
    pub bytes: u64,
    /// Whether they begin another gzip member.
    pub is_member: bool,
}

/// What a digest file turned out to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestContent {
    /// A digest, and the chain to which it says that it belongs.
    Digest(Box<Digest>, ChainId),
    /// Not a digest: the finding's code and the reason.
    Unusable(Code, String),
}

/// What makes a digest authentic (docs/spec/verification.md 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A signature found beside it verifies.
    Signature,
    /// An authentic successor names its hash.
    HashChain,
    /// The signature that its successor holds verifies.
    SuccessorSignature,
}

/// Looks at one digest file: hashes and parses it, and checks the signatures found beside it.
///
/// Its place is given later ([`DigestRow::at`]): only the digests of an archive together say which bucket a folder
/// stands for.
pub fn examine(file: DigestFile<'_>, keys: &KeyRing, limits: &Limits) -> DigestRow<()> {
    let mut row = parse_digest_file(file, limits);
    row.check_signatures(keys, |_| false);
    row
}

/// [`examine`] without the signatures, which say [`SignatureCheck::KeyUnknown`]:
/// [`check_heads`](crate::chain::check_heads) is to check those that matter.
pub fn parse_digest_file(file: DigestFile<'_>, limits: &Limits) -> DigestRow<()> {
    let bytes = file.content.as_ref().copied().unwrap_or_default();
    let sha256 = sha256::digest(bytes);
    let content = match &file.content {
        Err(reason) => DigestContent::Unusable(Code::DigestUnreadable, reason.to_string()),
        Ok(bytes) => read(bytes, file.ending, limits),
    };
    let trailing = match *file.ending {
        Ending::TrailingData { bytes } => Some(Trailing { bytes, is_member: false }),
        Ending::ExtraMember { bytes } => Some(Trailing { bytes, is_member: true }),
        _ => None,
    };
    DigestRow {
        found: (),
        sha256,
        inflated: bytes.len() as u64,
        is_stored_inflated: file.form == Form::Inflated,
        trailing,
        signatures: file.signatures.into_iter().map(|found| (found, SignatureCheck::KeyUnknown)).collect(),
        backfill_generated: file.backfill_generated.and_then(|text| Timestamp::parse_loose(&text).ok()),
        metadata_problem: file.metadata_problem,
        content,
    }
}

fn read(bytes: &[u8], ending: &Ending, limits: &Limits) -> DigestContent {
    let malformed = |reason: String| DigestContent::Unusable(Code::DigestMalformed, reason);
    match ending {
        Ending::Empty => return malformed("it is empty".to_owned()),
        Ending::Truncated => return malformed("its gzip data are cut short".to_owned()),
        Ending::Corrupt { reason } => return malformed(format!("its gzip data are damaged: {reason}")),
        Ending::LimitExceeded { limit } => {
            let reason = format!("it inflates to more than {limit} bytes");
            return DigestContent::Unusable(Code::LimitExceeded, reason);
        }
        _ => {}
    }
    match Digest::parse(bytes, limits) {
        Ok(digest) => match chain_of(&digest) {
            Some(id) => DigestContent::Digest(Box::new(digest), id),
            None => malformed("its digestS3Object is not the key of a digest".to_owned()),
        },
        Err(DigestError::Limit(reason)) => DigestContent::Unusable(Code::LimitExceeded, reason),
        Err(DigestError::Malformed(reason)) => malformed(reason),
    }
}

/// The chain to which a digest says that it belongs.
fn chain_of(digest: &Digest) -> Option<ChainId> {
    KeyParts::parse(&digest.object)?;
    let (id, _) = named_chain(&digest.object)?;
    Some(ChainId { account: digest.account.clone(), ..id })
}

/// The chain and the end that a digest's key states.
pub fn named_chain(key: &str) -> Option<(ChainId, Timestamp)> {
    let name = DigestName::parse(key.rsplit('/').next()?).ok()?;
    let organization = KeyParts::parse(key).and_then(|parts| parts.organization);
    let id = ChainId {
        organization: organization.map(str::to_owned),
        account: name.account.to_owned(),
        region: name.region.to_owned(),
        trail: name.trail.to_owned(),
        home_region: name.home_region.to_owned(),
        kind: if name.backfill { ChainKind::Backfill } else { ChainKind::Standard },
    };
    Some((id, name.end))
}

impl DigestRow<()> {
    /// The row of a file that was found there.
    pub fn at(self, found: FoundAt) -> DigestRow {
        let Self { found: (), sha256, inflated, is_stored_inflated, trailing, content, signatures, .. } =
            self;
        let (backfill_generated, metadata_problem) = (self.backfill_generated, self.metadata_problem);
        DigestRow {
            found,
            sha256,
            inflated,
            is_stored_inflated,
            trailing,
            content,
            signatures,
            backfill_generated,
            metadata_problem,
        }
    }
}

impl<P> DigestRow<P> {
    /// Whether its content is no digest, though it could be read.
    pub fn is_malformed(&self) -> bool {
        matches!(self.content, DigestContent::Unusable(Code::DigestMalformed, _))
    }

    /// Checks the signatures found beside the digest, but for those that `is_repeated` by an authentic successor.
    pub(crate) fn check_signatures(&mut self, keys: &KeyRing, is_repeated: impl Fn(&Signature) -> bool) {
        let DigestContent::Digest(digest, _) = &self.content else { return };
        for (signature, check) in &mut self.signatures {
            let is_spared = is_repeated(signature) && signature::candidate(digest, signature, keys).is_ok();
            *check = if is_spared {
                SignatureCheck::Repeated
            } else {
                signature::check_signature(digest, &self.sha256, signature, keys)
            };
        }
    }

    /// The signatures found beside it, checked.
    pub fn signatures(&self) -> &[(Signature, SignatureCheck)] {
        &self.signatures
    }

    /// The digest, where the file holds one.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.content {
            DigestContent::Digest(digest, _) => Some(digest),
            DigestContent::Unusable(..) => None,
        }
    }

    /// The chain, where the file holds a digest.
    pub fn chain(&self) -> Option<&ChainId> {
        match &self.content {
            DigestContent::Digest(_, id) => Some(id),
            DigestContent::Unusable(..) => None,
        }
    }
}
