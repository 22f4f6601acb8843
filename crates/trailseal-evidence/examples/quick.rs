//! quick
#![allow(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::print_stdout)]
use trailseal_evidence::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let l = keys::load(&[a[2].clone().into()]).unwrap();
    let (keys, files) = (l.content, l.files); for d in &keys.defects { println!("{d}"); }
    let options = Options { roots: vec![a[1].clone().into()], keys: trailseal_verify::keys::KeyRing::new(keys.keys), key_files: files, threads: 2, ..Options::default() };
    let t = std::time::Instant::now();
    let r = verify(&options, &Silent, &mut |_| {}).unwrap();
    eprintln!("{:?} {:?}", t.elapsed(), r.totals);
    println!("{}", serde_json::to_string_pretty(&r).unwrap());
}
