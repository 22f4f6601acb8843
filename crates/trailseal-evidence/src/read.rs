//! Reading one digest file and what lies beside it.

use std::{error::Error, io::Read};

use trailseal_archive::{
    gzip::{
        Ending, Form, Inflater,
        whole::{Whole, WholeInflater},
    },
    metadata::{self, MAX_SIDECAR_BYTES, Manifest, MetadataError, ObjectMetadata},
    open::ReadError,
    walk::Roots,
};
use trailseal_verify::{Digest, DigestFile, DigestRow, Signature, SignatureSource};

use crate::{
    files::{FileId, FileRef, FileTable},
    options::Options,
    paths::text_of,
    sniff::{self, holds_events},
};

/// The end of a sidecar's name.
pub(crate) const SIDECAR: &str = ".metadata.json";

/// Digest files up to this size on disk are held whole.
const MAX_HELD: u64 = 1 << 20;

/// Reads digest files, one after the other.
pub(crate) struct DigestReader<'a> {
    options: &'a Options,
    roots: &'a Roots,
    streaming: Inflater,
    whole: WholeInflater,
    on_disk: Vec<u8>,
    content: Vec<u8>,
}

impl<'a> DigestReader<'a> {
    pub(crate) fn new(options: &'a Options, roots: &'a Roots) -> Self {
        let (streaming, whole) = (Inflater::new(), WholeInflater::new());
        Self { options, roots, streaming, whole, on_disk: Vec::new(), content: Vec::new() }
    }

    /// Reads a digest file, its sidecar, attributes and manifest entry, and lets `look` at them. `None` of a file that
    /// holds metadata of an object and is none. Says which sidecar was read, if it holds a signature and no events.
    /// `twin` is a file that holds its metadata under a name of its own.
    pub(crate) fn read(
        &mut self,
        table: &FileTable,
        id: FileId,
        twin: Option<FileId>,
        look: impl FnOnce(DigestFile<'_>) -> DigestRow<()>,
    ) -> Option<(DigestRow<()>, Option<FileId>)> {
        let file = table.get(id);
        let mut found = Found::default();
        let sidecar = found.sidecar(self.roots, table, &file, twin);
        let options = self.options;
        let read = self.inflate(&file);
        let (content, form, ending): (Result<_, &dyn Error>, _, _) = match &read {
            Ok((bytes, form, ending)) => {
                found.manifest(options.manifest.as_ref(), bytes, options);
                found.attributes(&file);
                (Ok(*bytes), *form, ending)
            }
            Err(error) => (Err(error), Form::Gzip, &Ending::Complete),
        };
        let bytes = content.unwrap_or_default();
        let row = look(DigestFile {
            content,
            form,
            ending,
            signatures: found.signatures,
            backfill_generated: found.backfill_generated,
            metadata_problem: found.problem,
        });
        // The outputs of `head-object`, saved in folders of their own under the keys of the digests (row 74). What has a
        // signature of its own claims to be a digest.
        let is_metadata =
            row.is_malformed() && row.signatures().is_empty() && sniff::is_saved_metadata(bytes);
        (!is_metadata).then_some((row, sidecar))
    }

    fn inflate(&mut self, file: &FileRef<'_>) -> Result<(&[u8], Form, Ending), ReadError> {
        let limit = self.options.limits.max_inflated_digest;
        let mut input = file.open(self.roots)?;
        self.on_disk.clear();
        (&mut input).take(MAX_HELD).read_to_end(&mut self.on_disk)?;
        let whole = match usize::try_from(limit) {
            Ok(limit) if (self.on_disk.len() as u64) < MAX_HELD => {
                self.whole.inflate(&self.on_disk, &mut self.content, limit)
            }
            _ => Whole::TooLarge,
        };
        // what is odd in any way is left to the reader that says exactly what it is
        if let Whole::Done { length, members: 1, ending: Ending::Complete, .. } = whole {
            return Ok((&self.content[..length], Form::Gzip, Ending::Complete));
        }
        let mut input = self.on_disk.as_slice().chain(input);
        let (content, form, ending) = self.streaming.inflate_all(&mut input, limit)?;
        self.content = content;
        Ok((&self.content, form, ending))
    }
}

#[derive(Default)]
struct Found {
    signatures: Vec<Signature>,
    backfill_generated: Option<String>,
    problem: Option<String>,
}

impl Found {
    /// Takes what the sidecar says, and says which file it is, if it holds a signature and no events.
    fn sidecar(
        &mut self,
        roots: &Roots,
        table: &FileTable,
        file: &FileRef<'_>,
        twin: Option<FileId>,
    ) -> Option<FileId> {
        let name = &*file.file.name;
        let folder = text_of(&file.folder.real);
        let other = match name.strip_suffix(".gz") {
            Some(inflated) => format!("{inflated}{SIDECAR}"),
            None => format!("{name}.gz{SIDECAR}"),
        };
        let own = format!("{name}{SIDECAR}");
        let id = [own, other].iter().find_map(|name| table.find(&folder, name)).or(twin)?;
        let sidecar = table.get(id);
        match read_sidecar(roots, &sidecar) {
            Ok((metadata, holds_events)) => {
                self.take(&metadata, SignatureSource::Sidecar);
                metadata.signature.filter(|_| !holds_events).map(|_| id)
            }
            Err(error) => {
                self.problem = Some(format!("{}: {error}", sidecar.file.name));
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

/// Why a sidecar says nothing.
#[derive(Debug, thiserror::Error)]
enum SidecarError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// The metadata in a sidecar, and whether it holds events, too.
fn read_sidecar(roots: &Roots, file: &FileRef<'_>) -> Result<(ObjectMetadata, bool), SidecarError> {
    let mut bytes = Vec::new();
    let limit = MAX_SIDECAR_BYTES as u64 + 1;
    file.open(roots)
        .map_err(ReadError::from)?
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(ReadError::from)?;
    Ok((metadata::parse_sidecar(&bytes)?, holds_events(&bytes)))
}
