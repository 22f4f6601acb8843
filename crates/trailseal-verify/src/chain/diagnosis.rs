//! Why a digest is not authentic, and what is odd about one that is.

use std::collections::BTreeMap;
use trailseal_archive::key::KeyParts;
use trailseal_sha256 as sha256;

use crate::{
    chain::{Checked, Status, Work, digests},
    digest::{Digest, SIGNATURE_ALGORITHM},
    examine::{DigestContent, DigestRow},
    finding::{Code, Finding},
    signature::{self, SignatureCheck},
};

impl Work<'_> {
    /// Judges every row for itself.
    pub(super) fn judge_rows(&mut self) {
        for index in 0..self.rows.len() {
            if !self.is_in_scope(index) {
                continue;
            }
            if self.copies.contains_key(&index) {
                // Its content is judged already; how this copy holds it is not.
                self.judge_storage(index);
                continue;
            }
            match &self.rows[index].content {
                DigestContent::Unusable(code, reason) => self.judge_unusable(index, *code, reason),
                DigestContent::Digest(digest, _) => {
                    self.judgements[index].is_counted = true;
                    if self.judgements[index].is_authentic() {
                        self.judgements[index].status = Status::Verified;
                        self.judge_authentic(index);
                    } else {
                        let finding = self.why_not_authentic(index, digest);
                        self.violate(index, finding);
                    }
                    self.judge_storage(index);
                }
            }
        }
        self.note_keys_outside_validity();
    }

    fn judge_unusable(&mut self, index: usize, code: Code, reason: &str) {
        // A name alone makes nothing a digest outside the folders of digests (row 85).
        let key = &self.rows[index].found.key;
        let named = super::named_chain(key).is_some() && KeyParts::parse(key).is_some();
        if !named && code == Code::DigestMalformed {
            let message = format!("an object among the digests that is none: {reason}");
            let finding = self.about(index, Code::StrayObject, message);
            return self.push(finding);
        }
        self.judgements[index].is_counted = true;
        let message = match code {
            Code::DigestUnreadable => format!("the digest file cannot be read: {reason}"),
            Code::LimitExceeded => format!("the digest file exceeds a limit: {reason}"),
            _ => format!("the digest file holds no digest: {reason}"),
        };
        let finding = self.about(index, code, message);
        self.violate(index, finding);
    }

    fn judge_storage(&mut self, index: usize) {
        let row = &self.rows[index];
        if let Some(trailing) = row.trailing {
            let what = if trailing.is_member { "a further gzip member" } else { "data" };
            let message = format!("{what} of {} bytes after the digest's content", trailing.bytes);
            let finding = self.about(index, Code::DigestTrailingData, message);
            self.violate(index, finding);
        }
        if let Some(problem) = &row.metadata_problem {
            let finding =
                self.about(index, Code::SidecarMalformed, format!("its metadata cannot be read: {problem}"));
            self.push(finding);
        }
    }

    /// An authentic digest: do its signatures agree, and is its kind complete.
    fn judge_authentic(&mut self, index: usize) {
        let checks = &self.checks[index];
        let bad = checks.iter().find(|checked| {
            matches!(
                checked.check,
                SignatureCheck::OtherContent | SignatureCheck::NotBySuchKey | SignatureCheck::Malformed(_)
            )
        });
        let unsupported = checks.iter().find_map(|checked| match &checked.check {
            SignatureCheck::AlgorithmUnsupported(name) => Some((checked.source, name.clone())),
            _ => None,
        });
        let differing = checks.iter().find(|other| !other.hex.eq_ignore_ascii_case(checks[0].hex));
        if let Some(wrong) = bad.or(differing) {
            let wrong = wrong.source.describe();
            let message = match checks.iter().find(|checked| checked.check == SignatureCheck::Verified) {
                Some(right) => format!(
                    "its signatures differ: that of the {} verifies, that of the {wrong} does not",
                    right.source.describe()
                ),
                None => {
                    format!("the signature of the {wrong} does not verify; only the hash chain proves it")
                }
            };
            let finding = self.about(index, Code::SignatureSourcesDisagree, message);
            self.push(finding);
        }
        if let Some((source, name)) = unsupported {
            let message =
                format!("the {} states the algorithm {name:?}, not {SIGNATURE_ALGORITHM}", source.describe());
            let finding = self.about(index, Code::AlgorithmUnsupported, message);
            self.push(finding);
        }
        let row = &self.rows[index];
        if row.chain().is_some_and(|id| !super::is_standard(id)) && row.backfill_generated.is_none() {
            let message = "no metadata say when this backfill digest was generated";
            let finding = self.about(index, Code::BackfillTimeUnknown, message);
            self.push(finding);
        }
        if let Some(previous) = row.digest().and_then(|digest| digest.previous.as_ref())
            && !previous.hash_supported
        {
            let message = "the hash of its predecessor is not stated as SHA-256";
            let finding = self.about(index, Code::AlgorithmUnsupported, message);
            self.push(finding);
        }
    }

    fn why_not_authentic(&self, index: usize, digest: &Digest) -> Finding {
        if let Some(successor) = self.contradicted_by[index] {
            return self.contradicted(index, digest, successor);
        }
        let checks = &self.checks[index];
        let find = |wanted: fn(&SignatureCheck) -> bool| checks.iter().find(|checked| wanted(&checked.check));
        if find(|check| *check == SignatureCheck::OtherContent).is_some() {
            return self.about(index, Code::DigestAltered, self.altered_message(index, digest));
        }
        if let Some(checked) = find(|check| *check == SignatureCheck::NotBySuchKey) {
            let message = format!(
                "the signature of the {} is not one that key {} made",
                checked.source.describe(),
                digest.fingerprint
            );
            return self.about(index, Code::SignatureMismatch, message);
        }
        if let Some(Checked { source, check: SignatureCheck::Malformed(reason), .. }) =
            find(|check| matches!(check, SignatureCheck::Malformed(_)))
        {
            let message = format!("the signature of the {} is none: {reason}", source.describe());
            return self.about(index, Code::SignatureMalformed, message);
        }
        if let Some(Checked { check: SignatureCheck::AlgorithmUnsupported(name), .. }) =
            find(|check| matches!(check, SignatureCheck::AlgorithmUnsupported(_)))
        {
            let message = format!("the signature algorithm is stated as {name:?}, not {SIGNATURE_ALGORITHM}");
            return self.about(index, Code::AlgorithmUnsupported, message);
        }
        if !checks.is_empty() {
            let key_region = self.rows[index].chain().map_or("", |id| id.region.as_str());
            let message = format!(
                "the public key {} of {key_region}, in use on {}, is not at hand",
                digest.fingerprint, digest.end
            );
            return self.about(index, Code::KeyUnknown, message).expected(&digest.fingerprint, "no such key");
        }
        let message = "no signature is at hand: no sidecar, manifest, attribute or successor holds one";
        self.about(index, Code::SignatureUnavailable, message)
    }

    fn contradicted(&self, index: usize, digest: &Digest, successor: usize) -> Finding {
        let by = self.rows[successor].digest();
        let hash = by.and_then(|d| d.previous.as_ref()).and_then(|previous| previous.hash);
        let expected = hash.map(hex::encode).unwrap_or_default();
        let finding = self
            .about(index, Code::DigestAltered, self.altered_message(index, digest))
            .expected(expected, hex::encode(self.rows[index].sha256));
        match by {
            Some(by) => finding.said_by(&by.object),
            None => finding,
        }
    }

    /// Says whether only the bytes changed, where that can be proven.
    fn altered_message(&self, index: usize, digest: &Digest) -> &'static str {
        let expected = self.contradicted_by[index]
            .and_then(|successor| self.rows[successor].digest()?.previous.as_ref()?.hash);
        let is_original = |content: &[u8]| match expected {
            Some(hash) => sha256::digest(content) == hash,
            None => self.checks[index]
                .iter()
                .any(|checked| signature::verifies(digest, content, checked.hex, self.keys)),
        };
        if [true, false].into_iter().any(|escape| is_original(&digest.to_json(escape))) {
            "the digest file was written anew: its JSON value is the same, its bytes are not those that were signed"
        } else {
            "the digest file was altered: its content is not what was signed"
        }
    }

    /// One note a chain and key: a whole archive may lie outside a key's validity.
    fn note_keys_outside_validity(&mut self) {
        let mut notes: BTreeMap<(_, &str), Vec<usize>> = BTreeMap::new();
        for (index, digest) in digests(self.rows) {
            let row = &self.rows[index];
            if !self.judgements[index].is_counted || self.judgements[index].source.is_none() {
                continue;
            }
            let keys = self.keys.find(&digest.fingerprint);
            let time = row.backfill_generated.unwrap_or(digest.end);
            if !keys.iter().any(|key| key.is_valid_at(time)) {
                notes.entry((row.chain(), digest.fingerprint.as_str())).or_default().push(index);
            }
        }
        for ((_, fingerprint), rows) in notes {
            let count = rows.len() as u64;
            let message =
                format!("{count} digests signed by key {fingerprint} end outside its stated validity");
            let age = |index: &usize| (row_end(&self.rows[*index]), self.rows[*index].found.path.as_str());
            let oldest = rows.into_iter().min_by_key(age).expect("a note is of a digest");
            let finding = self.about(oldest, Code::KeyOutsideValidity, message).counting(count);
            self.push(finding);
        }
    }
}

fn row_end(row: &DigestRow) -> Option<trailseal_archive::Timestamp> {
    row.digest().map(|digest| digest.end)
}
