//! Does a digest lie where it says that it lies, and is it the only one to say so.

use trailseal_archive::{
    Timestamp,
    key::{DigestName, KeyParts, is_decorated, object_tail, strip_extension},
};

use crate::{
    chain::{HOUR, Work, digests, is_standard, named_chain},
    chain_id::ChainId,
    digest::Digest,
    examine::DigestContent,
    finding::{Code, Finding},
    signature::SignatureCheck,
};

impl Work<'_> {
    /// Compares every digest's place with its content.
    pub(super) fn judge_places(&mut self) {
        for index in 0..self.rows.len() {
            let DigestContent::Digest(digest, _) = &self.rows[index].content else { continue };
            if !self.is_in_scope(index) {
                continue;
            }
            if let Some(original) = self.copies.get(&index).copied() {
                self.judge_copy(index, original, digest);
            } else if self.is_in_place(index, digest) {
                if let Some(field) = contradiction(digest) {
                    let message =
                        format!("the digest contradicts itself: {field} and digestS3Object disagree");
                    let finding = self.about(index, Code::NameMismatch, message);
                    self.violate(index, finding);
                }
            } else if self.is_decorated(index, digest) {
                let message = "a digest to whose name something was added, or that lies in one more folder";
                let finding = self.about(index, Code::LayoutLost, message);
                self.push(finding);
            } else {
                self.judge_misplaced(index, digest);
            }
        }
    }

    /// Whether a digest lies in the folders of another account or region; it is judged there, but links to
    /// nothing.
    pub(super) fn is_foreign(&self, index: usize, id: &ChainId) -> bool {
        KeyParts::parse(&self.rows[index].found.key)
            .is_some_and(|parts| parts.account != id.account || parts.region != id.region)
    }

    /// Whether a digest lies where it says: in a folder whose path from `AWSLogs/` on is the digest's. What stands
    /// before that belongs to the copy: trees are moved, and disks that do not heed case merge prefixes (row 92).
    pub(super) fn is_in_place(&self, index: usize, digest: &Digest) -> bool {
        has_same_tail(&self.rows[index].found.key, &digest.object)
    }

    /// Whether a digest lies under its own name with something added, and claims nothing that is not its own.
    fn is_decorated(&self, index: usize, digest: &Digest) -> bool {
        let row = &self.rows[index];
        let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let name = last(&row.found.path);
        (name == last(&digest.object) || DigestName::parse(&name).is_err())
            && row.chain().is_some_and(|id| !self.is_foreign(index, id))
            && is_decorated(&row.found.key, &digest.object)
    }

    /// Whether a further copy of a digest lies where it claims nothing that is not its own (rows 69 and 95): in no
    /// other account's or region's folders, and not under another digest's name.
    fn is_mere_copy(&self, index: usize, digest: &Digest) -> bool {
        let row = &self.rows[index];
        let is_at_home = row.chain().is_some_and(|id| !self.is_foreign(index, id));
        let name = row.found.path.rsplit('/').next().unwrap_or_default();
        let own = digest.object.rsplit('/').next().and_then(strip_extension).unwrap_or_default();
        is_at_home && (name.contains(own) || DigestName::parse(name).is_err())
    }

    /// A replay puts a digest where another belongs; else its name or folder was merely changed.
    fn judge_misplaced(&mut self, index: usize, digest: &Digest) {
        let found = &self.rows[index].found;
        let bucket = found.bucket.as_deref().unwrap_or(&digest.bucket);
        let is_copy = self.copies.contains_key(&index);
        let is_anothers_place = is_copy
            || self.successors.contains_key(&(bucket, found.key.as_str()))
            || self.claims.contains_key(&(bucket, found.key.as_str()));
        let (key, claimed) = (found.key.clone(), digest.object.clone());
        if !is_anothers_place {
            let fields = differing_fields(&key, &claimed).join(", ");
            let message = format!("its name or folder disagrees with its content in: {fields}");
            let finding = self.about(index, Code::NameMismatch, message).expected(claimed, key);
            return self.violate(index, finding);
        }
        let what = if is_copy { "a copy of a digest" } else { "a digest" };
        let message = format!("{what} lies in a place that is not its own");
        let finding = self.about(index, Code::LocationMismatch, message).expected(claimed, key.clone());
        self.violate(index, finding);
        self.report_replaced(index, &digest.bucket, &key);
    }

    /// What is said of the first one is said of its copy, unless that is proven.
    fn judge_copy(&mut self, index: usize, original: usize, digest: &Digest) {
        if !self.is_mere_copy(index, digest) {
            self.judge_misplaced(index, digest);
        } else if self.judgements[original].is_authentic() {
            let of = &self.rows[original].found.path;
            let finding = self.about(index, Code::CopyOfVerified, format!("a copy of the digest file {of}"));
            self.push(finding);
        }
    }

    /// The digest whose place was taken, unless it is there or its successor reports it missing. A name alone
    /// proves nothing: its signature must still lie beside the replay, or its hour must be the chain's next.
    fn report_replaced(&mut self, index: usize, bucket: &str, key: &str) {
        let is_known =
            self.claims.contains_key(&(bucket, key)) || self.successors.contains_key(&(bucket, key));
        let has_signature =
            self.rows[index].signatures.iter().any(|(_, check)| *check == SignatureCheck::OtherContent);
        let follows = |id: &ChainId, end: Timestamp| {
            let ends = digests(self.rows).filter(|(row, _)| self.rows[*row].chain() == Some(id));
            ends.map(|(_, digest)| digest.end).max() == Some(end.plus(-HOUR))
        };
        let was_there = |(id, end): &(ChainId, Timestamp)| has_signature || follows(id, *end);
        let Some((id, end)) = named_chain(key).filter(was_there).filter(|_| !is_known) else { return };
        let finding = Finding::new(Code::DigestMissing, "another digest lies in this one's place")
            .about(Some(bucket), key)
            .of_chain(&id)
            .spanning(end.plus(-HOUR), end);
        self.push(finding);
    }

    /// Two validly signed digests that claim one place, or one predecessor.
    pub(super) fn find_forks(&mut self) {
        let authentic = |index: &usize| {
            let judgement = &self.judgements[*index];
            judgement.is_counted && judgement.is_authentic()
        };
        // How backfill digests name their predecessors is not documented; only in a standard chain is a second
        // successor a fork.
        let standard = |index: &usize| self.rows[*index].chain().is_some_and(is_standard);
        let followers = self.successors.values().map(|rows| rows.iter().copied().filter(standard).collect());
        let claims = self.claims.values().cloned().chain(followers);
        let forks = claims.map(|rivals: Vec<usize>| rivals.into_iter().filter(authentic).collect::<Vec<_>>());
        let forks = forks.filter(|rivals| rivals.len() > 1);
        // A digest with a valid signature that an authentic successor does not mean has a twin elsewhere.
        let disowned = (0..self.rows.len())
            .filter(|index| authentic(index) && self.contradicted_by[*index].is_some())
            .map(|index| vec![index]);
        let mut rivals: Vec<usize> = forks.chain(disowned).flatten().collect();
        rivals.sort_unstable();
        rivals.dedup();
        for index in rivals {
            let message = "two validly signed digests claim one place in the chain";
            let mut finding = self.about(index, Code::Fork, message);
            finding.actual = Some(hex::encode(self.rows[index].sha256));
            self.violate(index, finding);
        }
    }
}

/// Whether two keys are the same from `AWSLogs/` on; a file stored inflated may have lost its `.gz`.
fn has_same_tail(found: &str, claimed: &str) -> bool {
    let (Some(tail), Some(claim)) = (object_tail(found), object_tail(claimed)) else { return false };
    tail == claim || claim.strip_suffix(".gz") == Some(tail)
}

/// A field of the digest that its own `digestS3Object` contradicts.
fn contradiction(digest: &Digest) -> Option<&'static str> {
    let parts = KeyParts::parse(&digest.object)?;
    let name = DigestName::parse(parts.file_name).ok()?;
    if name.account != digest.account || parts.account != digest.account {
        Some("awsAccountId")
    } else if name.end != digest.end {
        Some("digestEndTime")
    } else if parts.region != name.region {
        Some("the region")
    } else {
        None
    }
}

/// What differs between two keys of digests, in words.
fn differing_fields(found: &str, claimed: &str) -> Vec<&'static str> {
    let (Some(f), Some(c)) = (KeyParts::parse(found), KeyParts::parse(claimed)) else {
        return vec!["the folder"];
    };
    let mut fields = Vec::new();
    let mut compare = |differ: bool, field| {
        if differ && !fields.contains(&field) {
            fields.push(field);
        }
    };
    compare(f.prefix != c.prefix, "the prefix");
    compare(f.organization != c.organization, "the organization");
    compare(f.account != c.account, "the account");
    compare(f.kind != c.kind, "the kind of object");
    compare(f.region != c.region, "the region");
    compare(f.folders != c.folders, "the date folders");
    match (DigestName::parse(f.file_name), DigestName::parse(c.file_name)) {
        (Ok(f), Ok(c)) => {
            compare(f.account != c.account, "the account");
            compare(f.region != c.region, "the region");
            compare(f.trail != c.trail, "the trail");
            compare(f.home_region != c.home_region, "the home region");
            compare(f.end != c.end, "the end time");
            compare(f.backfill != c.backfill, "the kind of digest");
        }
        _ => compare(f.file_name != c.file_name, "the file name"),
    }
    if fields.is_empty() {
        fields.push("the spelling");
    }
    fields
}
