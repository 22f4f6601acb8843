//! Reading one digest file and what lies beside it.

use std::{
    fs::{self, File},
    io::{self, Read},
};

use trailseal_archive::{
    gzip::{Ending, Form, Inflater},
    metadata::{self, MAX_SIDECAR_BYTES, Manifest, ObjectMetadata},
};
use trailseal_verify::{
    digest::Digest,
    link::{DigestFile, DigestRow, examine},
    signature::{Signature, SignatureSource},
};

use crate::{
    files::{FileId, FileRef, FileTable},
    options::Options,
};

/// The end of a sidecar's name.
pub(crate) const SIDECAR: &str = ".metadata.json";

/// Reads a digest file, its sidecar, attributes and manifest entry, and examines it. Says which sidecar was read.
pub(crate) fn digest_row(
    table: &FileTable,
    id: FileId,
    options: &Options,
    inflater: &mut Inflater,
) -> (DigestRow, Option<FileId>) {
    let file = table.get(id);
    let limit = options.limits.max_inflated_digest;
    let read = match file.file.refusal {
        Some(refusal) => Err(refusal.to_string()),
        None => open(&file)
            .and_then(|mut input| inflater.inflate_all(&mut input, limit))
            .map_err(|error| error.to_string()),
    };
    let mut found = Found::default();
    let sidecar = found.sidecar(table, &file);
    let (content, form, ending) = match &read {
        Ok((bytes, form, ending)) => {
            found.manifest(options.manifest.as_ref(), bytes, options);
            found.attributes(&file);
            (Ok(bytes.as_slice()), *form, ending)
        }
        Err(reason) => (Err(reason.clone()), Form::Gzip, &Ending::Complete),
    };
    let digest = DigestFile {
        content,
        form,
        ending,
        signatures: found.signatures,
        backfill_generated: found.backfill_generated,
        metadata_problem: found.problem,
    };
    (examine(digest, &options.keys, &options.limits), sidecar)
}

/// Opens a file of the archive for reading.
pub(crate) fn open(file: &FileRef<'_>) -> io::Result<File> {
    let opened = File::open(file.real())?;
    // What was a file when it was listed may be something else now.
    if opened.metadata()?.is_file() { Ok(opened) } else { Err(io::Error::other("it is not a regular file")) }
}

#[derive(Default)]
struct Found {
    signatures: Vec<Signature>,
    backfill_generated: Option<String>,
    problem: Option<String>,
}

impl Found {
    /// Takes what the sidecar says, and says which file it is, if it holds a signature.
    fn sidecar(&mut self, table: &FileTable, file: &FileRef<'_>) -> Option<FileId> {
        let name = &*file.file.name;
        let folder = file.folder.real.to_string_lossy();
        let other = match name.strip_suffix(".gz") {
            Some(inflated) => format!("{inflated}{SIDECAR}"),
            None => format!("{name}.gz{SIDECAR}"),
        };
        let own = format!("{name}{SIDECAR}");
        let id = [own, other].iter().find_map(|name| table.find(&folder, name))?;
        let sidecar = table.get(id);
        let parsed = match sidecar.file.refusal {
            Some(refusal) => Err(refusal.to_string()),
            None => read_bounded(&sidecar)
                .map_err(|error| error.to_string())
                .and_then(|bytes| metadata::parse_sidecar(&bytes).map_err(|error| error.to_string())),
        };
        match parsed {
            Ok(metadata) => {
                self.take(&metadata, SignatureSource::Sidecar);
                metadata.signature.map(|_| id)
            }
            Err(reason) => {
                self.problem = Some(format!("{}: {reason}", sidecar.file.name));
                None
            }
        }
    }

    fn manifest(&mut self, manifest: Option<&Manifest>, bytes: &[u8], options: &Options) {
        let Some(manifest) = manifest else { return };
        // The digest says which object it is; its metadata are only candidates anyway.
        let Ok(digest) = Digest::parse(bytes, &options.limits) else { return };
        if let Some(metadata) = manifest.lookup(&digest.bucket, &digest.object) {
            self.take(metadata, SignatureSource::Manifest);
        }
    }

    fn attributes(&mut self, file: &FileRef<'_>) {
        match metadata::read_xattrs(&file.real()) {
            Ok(Some(metadata)) => self.take(&metadata, SignatureSource::ExtendedAttribute),
            Ok(None) => {}
            Err(error) => self.problem = Some(format!("extended attributes: {error}")),
        }
    }

    fn take(&mut self, metadata: &ObjectMetadata, source: SignatureSource) {
        if let Some(hex) = metadata.signature.clone() {
            self.signatures.push(Signature { source, hex, algorithm: metadata.signature_algorithm.clone() });
        }
        let generated = metadata.backfill_generation_timestamp.clone();
        self.backfill_generated = self.backfill_generated.take().or(generated);
    }
}

fn read_bounded(file: &FileRef<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_SIDECAR_BYTES as u64 + 1;
    fs::File::open(file.real())?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
