//! Fills the holes of a template with what belongs to the event.

use crate::random::{Rng, mix, skewed};

use super::story::Story;
use super::template::{Hole, Piece, Template};
use super::text;
use super::world::{Account, IDS, WORDS, id_digits};

/// What a record is about.
pub(super) struct Scene<'a> {
    pub(super) account: &'a Account,
    pub(super) other_account: &'a str,
    pub(super) region: &'a str,
    pub(super) region_seed: u64,
    pub(super) now: i64,
    pub(super) caller_arn: &'a str,
    /// Prefix and name of the action.
    pub(super) action: (&'a str, &'a str),
    /// Decides which resources the event is about: the same hole is filled the same way all through a
    /// record, so that request, response and `resources` speak of one thing.
    pub(super) event_seed: u64,
    pub(super) story: &'a Story,
    pub(super) trail_arn: &'a str,
}

/// Writes a template with its holes filled.
pub(super) fn fill(out: &mut Vec<u8>, template: &Template, scene: &Scene<'_>, random: &mut Rng) {
    fill_at(out, template, scene, scene.event_seed, random);
}

fn fill_at(out: &mut Vec<u8>, template: &Template, scene: &Scene<'_>, seed: u64, random: &mut Rng) {
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Hole(hole) => fill_hole(out, *hole, scene, seed, random),
            Piece::Repeat(times, inner) => {
                for at in 0..*times {
                    if at > 0 {
                        out.push(b',');
                    }
                    fill_at(out, inner, scene, mix(seed ^ u64::from(at + 1)), random);
                }
            }
        }
    }
}

fn fill_hole(out: &mut Vec<u8>, hole: Hole, scene: &Scene<'_>, seed: u64, random: &mut Rng) {
    match hole {
        Hole::Id(kind, which) => {
            let number = skewed(choice(seed, kind, which), IDS[usize::from(kind)].count);
            id(out, scene, kind, number);
        }
        Hole::Name(pool, which) => put(out, scene.account.name(pool, choice(seed, 128 + pool, which))),
        Hole::Account => put(out, &scene.account.id),
        Hole::OtherAccount => put(out, scene.other_account),
        Hole::Region => put(out, scene.region),
        Hole::Now => text::time(out, scene.now),
        Hole::Millis => text::number(out, scene.now * 1000 + random.below(1000) as i64),
        Hole::Expiry => text::time(out, scene.now + 3600),
        Hole::CallerArn => put(out, scene.caller_arn),
        Hole::Action => {
            put(out, scene.action.0);
            out.push(b':');
            put(out, scene.action.1);
        }
        Hole::Uuid => text::uuid(out, random),
        Hole::Hex(count) => {
            for left in (0..count).step_by(16) {
                text::hex(out, random.next(), count - left);
            }
        }
        Hole::Base64(count) => text::base64(out, random, count),
        Hole::AccessKey(prefix) => text::digits_of(out, prefix, random.next()),
        Hole::Small => text::number(out, random.between(1, 100)),
        Hole::Bytes => {
            let magnitude = random.below(16);
            text::number(out, random.between(200, 900) << magnitude);
        }
        Hole::Private => private(out, random),
        Hole::Words => put(out, WORDS[skewed(choice(seed, 255, 0), WORDS.len() as u64) as usize]),
        Hole::StoryKey => put(out, &scene.story.new_key),
        Hole::StorySession => put(out, &scene.story.session_key),
        Hole::TrailArn => put(out, scene.trail_arn),
    }
}

/// The last two parts of an address within 10.0.0.0/16.
pub(super) fn private(out: &mut Vec<u8>, random: &mut Rng) {
    text::number(out, random.between(0, 31) * 8);
    out.push(b'.');
    text::number(out, random.between(4, 254));
}

/// The VPC endpoint through which the event came.
pub(super) fn endpoint(out: &mut Vec<u8>, scene: &Scene<'_>) {
    if let Some(kind) = IDS.iter().position(|id| id.hole == "vpce") {
        id(out, scene, kind as u8, skewed(scene.event_seed, IDS[kind].count));
    }
}

fn id(out: &mut Vec<u8>, scene: &Scene<'_>, kind: u8, number: u64) {
    put(out, IDS[usize::from(kind)].prefix);
    text::hex(out, id_digits(scene.account.seed, scene.region_seed, kind, number), 16);
}

/// Which of several things an event is about.
fn choice(seed: u64, kind: u8, which: u8) -> u64 {
    mix(seed ^ (u64::from(kind) << 8) ^ (u64::from(which) << 20))
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}
