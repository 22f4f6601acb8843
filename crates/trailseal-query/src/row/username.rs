//! `Username` (docs/spec/lookup-events.md 1.3, for records as odd as in docs/spec/records.md 2.4).

use std::borrow::Cow;

use crate::{json::Value, record::Record};

/// Types whose records say no name but `userName`, and whose `principalId` is none.
const WITHOUT_SESSION: [&str; 6] =
    ["AWSService", "AWSAccount", "IdentityCenterUser", "Directory", "Unknown", "Role"];

/// The `Username` of a record's row; `None` when the row has none.
///
/// It is the literal `root` for the root user, whatever the record says, and in all other cases a part of
/// `userIdentity.userName` or `userIdentity.principalId`.
pub fn username<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    username_of(record.member("userIdentity")?)
}

/// The same, of the record's `userIdentity`.
pub(super) fn username_of(identity: Value<'_>) -> Option<Cow<'_, str>> {
    let identity = Identity::of(identity);
    let kind = identity.kind.unwrap_or_default();
    if kind == "Root" {
        return Some("root".into());
    }
    identity.user_name.filter(|name| !name.is_empty()).or_else(|| {
        let has_session = !WITHOUT_SESSION.contains(&kind.as_ref());
        identity.principal_id.filter(|_| has_session).and_then(session_name)
    })
}

/// What names a caller in `userIdentity`.
#[derive(Default)]
struct Identity<'a> {
    kind: Option<Cow<'a, str>>,
    user_name: Option<Cow<'a, str>>,
    principal_id: Option<Cow<'a, str>>,
}

impl<'a> Identity<'a> {
    fn of(value: Value<'a>) -> Self {
        let mut identity = Self::default();
        for (key, value) in value.members().map_while(Result::ok) {
            let member = match key.decode().as_ref() {
                "type" => &mut identity.kind,
                "userName" => &mut identity.user_name,
                "principalId" => &mut identity.principal_id,
                _ => continue,
            };
            // Of duplicates the last counts, as everywhere.
            *member = value.as_str();
        }
        identity
    }
}

/// What stands after the first colon of `AROA…:session` or `ACCOUNT:federated-name`.
fn session_name(principal_id: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let name = match principal_id {
        Cow::Borrowed(id) => Cow::Borrowed(id.split_once(':')?.1),
        Cow::Owned(id) => Cow::Owned(id.split_once(':')?.1.to_owned()),
    };
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(identity: &str, expected: Option<&str>) {
        let record = format!(r#"{{"eventVersion":"1.08","userIdentity":{identity}}}"#);
        assert_eq!(username(&Record::new(record.as_bytes())).as_deref(), expected, "{identity}");
    }

    #[test]
    fn users_are_named_by_user_name_1_3() {
        check(r#"{"type":"IAMUser","principalId":"AIDAX","userName":"Alice"}"#, Some("Alice"));
        check(r#"{"type":"SAMLUser","principalId":"idp:sub","userName":"subject"}"#, Some("subject"));
        check(r#"{"type":"WebIdentityUser","principalId":"idp:app:sub","userName":"sub"}"#, Some("sub"));
        check(r#"{"type":"Unknown","userName":"someone"}"#, Some("someone"));
        check(
            r#"{"type":"IAMUser","accountId":"1","accessKeyId":"","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
            Some("HIDDEN_DUE_TO_SECURITY_REASONS"),
        );
        check(r#"{"type":"IAMUser","principalId":"AIDAX"}"#, None);
    }

    #[test]
    fn the_root_user_is_root_whatever_the_alias_1_3() {
        check(r#"{"type":"Root","principalId":"111122223333","accessKeyId":""}"#, Some("root"));
        check(r#"{"type":"Root","userName":"my-alias"}"#, Some("root"));
    }

    #[test]
    fn sessions_are_named_after_the_first_colon_and_not_by_their_issuer_1_3() {
        let issuer = r#""sessionContext":{"sessionIssuer":{"type":"Role","userName":"the-role"}}"#;
        check(&format!(r#"{{"type":"AssumedRole","principalId":"AROAX:i-0f6f",{issuer}}}"#), Some("i-0f6f"));
        check(r#"{"type":"AssumedRole","principalId":"AROAX:a:b:c"}"#, Some("a:b:c"));
        check(r#"{"type":"AssumedRole","principalId":"AROAX"}"#, None);
        check(r#"{"type":"AssumedRole","principalId":"AROAX:"}"#, None);
        check(
            &format!(r#"{{"type":"FederatedUser","principalId":"000000000000:audit",{issuer}}}"#),
            Some("audit"),
        );
    }

    #[test]
    fn services_accounts_and_service_events_have_no_name_1_3() {
        check(r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#, None);
        check(r#"{"accountId":"111122223333","invokedBy":"AWS Internal"}"#, None);
        check(r#"{"type":"AWSAccount","principalId":"AROAX:session","accountId":"1"}"#, None);
        check(r#"{"type":"IdentityCenterUser","onBehalfOf":{"userId":"u"}}"#, None);
        check("null", None);
        check("\"text\"", None);
        assert_eq!(username(&Record::new(b"{}")), None);
    }

    #[test]
    fn odd_records_are_survived_2_4() {
        check(r#"{"type":"IAMUser","userName":"","principalId":"x:y"}"#, Some("y"));
        check(r#"{"type":"IAMUser","userName":7,"principalId":null}"#, None);
        check(r#"{"type":"IAMUser","user\u004eame":"J\u00f6rg \"J\""}"#, Some("Jörg \"J\""));
        check(r#"{"type":"AssumedRole","principalId":"A\u003ab"}"#, Some("b"));
        check(r#"{"type":"IAMUser","userName":"first","userName":"last"}"#, Some("last"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let record = [b"{\"userIdentity\":{\"type\":", bytes.as_slice(), b"}}"].concat();
            let _ = username(&Record::new(&record));
            let _ = username(&Record::new(&bytes));
        }
    }
}
