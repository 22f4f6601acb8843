//! The signing keys of all tests: few, from fixed seeds, made once a process.

use std::sync::OnceLock;

use trailseal_deliver::SigningKey;

/// How many keys there are; making one takes a tenth of a second and more.
const COUNT: usize = 4;

static KEYS: [OnceLock<SigningKey>; COUNT] = [const { OnceLock::new() }; COUNT];

/// Key number `number`, counted from 0; a number beyond the last key begins again.
pub fn signing_key(number: usize) -> &'static SigningKey {
    let number = number % COUNT;
    KEYS[number].get_or_init(|| SigningKey::from_seed(number as u64 + 1).expect("the fixed seeds make keys"))
}
