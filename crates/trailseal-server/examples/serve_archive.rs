//! Serves an archive, for `interop/test_serve_wire.py`: `serve_archive ROOT KEY_FOLDER ACCOUNT [ACCESS_KEYS_FILE]`.
//!
//! Prints its address on one line, and ends when its standard input does. `LookupEvents` answers one made-up event.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    io::{Read as _, Write as _},
    path::PathBuf,
    sync::Arc,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use trailseal_server::{
    AccessKeys, ApiError, Archive, Caller, ErrorCode, Events, Options, Services, Timestamp, serve, stop,
};
use trailseal_verify::keys::KeyFile;

struct OneEvent;

impl Events for OneEvent {
    fn lookup(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        if input["MaxResults"].as_i64().is_some_and(|most| !(1..=50).contains(&most)) {
            return Err(ApiError::new(
                ErrorCode::InvalidMaxResultsException,
                "MaxResults must be from 1 to 50",
            ));
        }
        let seconds = caller.now.seconds();
        let event = json!({ "EventId": "00000000-0000-0000-0000-000000000000", "EventName": caller.region, "EventTime": seconds });
        Ok(json!({ "Events": [event] }))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(root), Some(folder), Some(account)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("ROOT KEY_FOLDER ACCOUNT [ACCESS_KEYS_FILE] are needed".into());
    };
    let mut options = Options::new(Arc::new(now));
    options.listen.set_port(0);
    options.observe = Some("127.0.0.1:0".parse()?);
    options.access_keys = arguments.next().map(|path| AccessKeys::read(&path)).transpose()?;
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        keys.extend(KeyFile::parse(&path.display().to_string(), &std::fs::read(&path)?).keys);
    }
    options.account = account.to_string_lossy().into_owned();
    let archive = Archive::open(&[root], keys, Some(options.account.clone()), Box::new(OneEvent))?;
    let (handle, stopped) = stop();
    thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        handle.stop();
    });
    serve(options, Services { cloudtrail: Arc::new(archive), audit: None, s3: None }, stopped, |bound| {
        println!("{} {}", bound.api, bound.observe.unwrap_or(bound.api));
        let _ = std::io::stdout().flush();
    })?;
    Ok(())
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
