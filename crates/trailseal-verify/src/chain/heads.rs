//! As few signatures as authenticity needs: those of the last digests, from which hashes lead back.

use std::collections::HashMap;

use crate::{
    chain::{Place, digests, named_predecessor},
    examine::DigestRow,
    keys::KeyRing,
};

/// Checks the signatures found beside the digests of one account and region, which were only parsed. A signature
/// is left [`Repeated`](crate::signature::SignatureCheck::Repeated) where an authentic successor names the hash of
/// its digest and holds the same signature: AWS signed then that it made it.
///
/// The digests that are authentic are the same as when all signatures are checked; what makes them so may be the
/// hash chain alone.
pub fn check_heads<P>(rows: &mut [DigestRow<P>], keys: &KeyRing) {
    let mut places: HashMap<Place<'_>, Vec<usize>> = HashMap::new();
    for (index, digest) in digests(rows) {
        places.entry((&digest.bucket, &digest.object)).or_default().push(index);
    }
    // Row → the rows whose hash it names.
    let predecessors: Vec<Vec<usize>> = rows.iter().map(|row| named_by(row, rows, &places)).collect();
    // A successor is judged before what it names. Where times say otherwise, signatures are checked.
    let mut order: Vec<usize> = digests(rows).map(|(index, _)| index).collect();
    order.sort_by_key(|index| std::cmp::Reverse(rows[*index].digest().map(|digest| digest.end)));

    // Row → the signature of it that an authentic successor holds, if any; there is none for what is not named.
    let mut named: Vec<Option<Option<String>>> = vec![None; rows.len()];
    for index in order {
        let row = &mut rows[index];
        let said = named[index].take();
        row.check_signatures(keys, |signature| {
            let repeated = said.as_ref().and_then(Option::as_ref);
            repeated.is_some_and(|repeated| repeated.eq_ignore_ascii_case(&signature.hex))
        });
        let is_signed = row.signatures.iter().any(|(_, check)| check.is_genuine());
        if is_signed || said.is_some() {
            let held = row.digest().and_then(|digest| digest.previous_signature.clone());
            for predecessor in &predecessors[index] {
                let known = named[*predecessor].take().flatten();
                named[*predecessor] = Some(known.or_else(|| held.clone()));
            }
        }
    }
}

/// The rows that a row names as its predecessor, with their hash.
fn named_by<P>(
    row: &DigestRow<P>,
    rows: &[DigestRow<P>],
    places: &HashMap<Place<'_>, Vec<usize>>,
) -> Vec<usize> {
    let Some((place, hash)) = named_predecessor(row) else { return Vec::new() };
    places.get(&place).into_iter().flatten().copied().filter(|index| rows[*index].sha256 == hash).collect()
}
