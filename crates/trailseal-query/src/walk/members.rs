//! Which members of a record are asked for, and where they stand.

use std::{borrow::Cow, ops::Range};

use trailseal_archive::Timestamp;

use super::identities::SeenIdentity;
use crate::{
    derived::error_of,
    json::Value,
    record::time_of,
    row::{resource_names_of, top::TopLevel},
};

/// A member of a record that has a place of its own in a [`WalkedRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the member of its name")]
pub enum Member {
    EventName,
    EventSource,
    ReadOnly,
    EventCategory,
    ManagementEvent,
    EventType,
    EventVersion,
    SourceIpAddress,
    UserAgent,
    ErrorCode,
    AwsRegion,
    RecipientAccountId,
    UserIdentity,
    EventTime,
    InsightDetails,
    ErrorMessage,
    RequestParameters,
    ResponseElements,
    Resources,
}

impl Member {
    /// All of them, in their order.
    pub const ALL: [Self; 19] = [
        Self::EventName,
        Self::EventSource,
        Self::ReadOnly,
        Self::EventCategory,
        Self::ManagementEvent,
        Self::EventType,
        Self::EventVersion,
        Self::SourceIpAddress,
        Self::UserAgent,
        Self::ErrorCode,
        Self::AwsRegion,
        Self::RecipientAccountId,
        Self::UserIdentity,
        Self::EventTime,
        Self::InsightDetails,
        Self::ErrorMessage,
        Self::RequestParameters,
        Self::ResponseElements,
        Self::Resources,
    ];

    /// Its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventName => "eventName",
            Self::EventSource => "eventSource",
            Self::ReadOnly => "readOnly",
            Self::EventCategory => "eventCategory",
            Self::ManagementEvent => "managementEvent",
            Self::EventType => "eventType",
            Self::EventVersion => "eventVersion",
            Self::SourceIpAddress => "sourceIPAddress",
            Self::UserAgent => "userAgent",
            Self::ErrorCode => "errorCode",
            Self::AwsRegion => "awsRegion",
            Self::RecipientAccountId => "recipientAccountId",
            Self::UserIdentity => "userIdentity",
            Self::EventTime => "eventTime",
            Self::InsightDetails => "insightDetails",
            Self::ErrorMessage => "errorMessage",
            Self::RequestParameters => "requestParameters",
            Self::ResponseElements => "responseElements",
            Self::Resources => "resources",
        }
    }

    /// The member of a name: by its length and a letter there is one that it may be. What it is compared with is written out,
    /// since its length is known then.
    #[inline]
    fn of(name: &[u8]) -> Option<Self> {
        match (name.len(), name.get(6)?) {
            (9, b'a') => Self::EventName.if_named(name, b"eventName"),
            (9, b'y') => Self::EventType.if_named(name, b"eventType"),
            (9, b'i') if name[0] == b'e' => Self::EventTime.if_named(name, b"eventTime"),
            (9, b'i') => Self::AwsRegion.if_named(name, b"awsRegion"),
            (9, b'e') => Self::UserAgent.if_named(name, b"userAgent"),
            (9, b'o') => Self::ErrorCode.if_named(name, b"errorCode"),
            (9, b'c') => Self::Resources.if_named(name, b"resources"),
            (8, _) => Self::ReadOnly.if_named(name, b"readOnly"),
            (11, _) => Self::EventSource.if_named(name, b"eventSource"),
            (12, _) if name[1] == b'v' => Self::EventVersion.if_named(name, b"eventVersion"),
            (12, _) if name[1] == b's' => Self::UserIdentity.if_named(name, b"userIdentity"),
            (12, _) => Self::ErrorMessage.if_named(name, b"errorMessage"),
            (13, _) => Self::EventCategory.if_named(name, b"eventCategory"),
            (14, _) => Self::InsightDetails.if_named(name, b"insightDetails"),
            (15, b'I') => Self::SourceIpAddress.if_named(name, b"sourceIPAddress"),
            (15, _) => Self::ManagementEvent.if_named(name, b"managementEvent"),
            (16, _) => Self::ResponseElements.if_named(name, b"responseElements"),
            (17, _) => Self::RequestParameters.if_named(name, b"requestParameters"),
            (18, _) => Self::RecipientAccountId.if_named(name, b"recipientAccountId"),
            _ => None,
        }
    }

    #[inline]
    fn if_named<const LENGTH: usize>(self, name: &[u8], own: &[u8; LENGTH]) -> Option<Self> {
        (name.first_chunk() == Some(own) && name.len() == LENGTH).then_some(self)
    }
}

/// What a value is, if it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Member(Member),
    /// `userIdentity.accessKeyId`
    AccessKey,
    /// `userIdentity.sessionContext`
    Session,
    /// `userIdentity.sessionContext.attributes`
    Attributes,
    Other,
}

impl Place {
    /// That of a member of this name in the value around it, an object at this depth.
    #[inline]
    pub(super) fn of(around: Self, depth: usize, name: &[u8]) -> Self {
        match around {
            _ if depth == 1 => Member::of(name).map_or(Self::Other, Self::Member),
            Self::Member(Member::UserIdentity) if name == b"accessKeyId" => Self::AccessKey,
            Self::Member(Member::UserIdentity) if name == b"sessionContext" => Self::Session,
            Self::Session if name == b"attributes" => Self::Attributes,
            _ => Self::Other,
        }
    }
}

/// What a walk found in a record, which is valid JSON.
#[derive(Clone, Debug)]
pub struct WalkedRecord<'a> {
    bytes: &'a [u8],
    /// Where the members stand, of duplicates the last; none is empty.
    members: [(u32, u32); Member::ALL.len()],
    access_key: Range<usize>,
    attributes: Range<usize>,
    pub(super) has_escaped_name: bool,
    has_failed: bool,
    has_insight: bool,
    /// That of the identity, or 0.
    identity: u64,
}

impl<'a> WalkedRecord<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            members: [(0, 0); Member::ALL.len()],
            access_key: 0..0,
            attributes: 0..0,
            has_escaped_name: false,
            has_failed: false,
            has_insight: false,
            identity: 0,
        }
    }

    pub(super) fn keep(&mut self, place: Place, start: usize, end: usize) {
        match place {
            Place::Member(member) => {
                self.members[member as usize] = (start as u32, end as u32);
                match member {
                    Member::ErrorCode | Member::ErrorMessage => self.has_failed |= self.bytes[start] != b'n',
                    Member::InsightDetails => self.has_insight |= self.bytes[start] != b'n',
                    _ => {}
                }
            }
            Place::AccessKey => self.access_key = start..end,
            Place::Attributes => self.attributes = start..end,
            Place::Session | Place::Other => {}
        }
    }

    pub(super) fn forget_identity(&mut self) {
        self.access_key = 0..0;
        self.attributes = 0..0;
        self.identity = 0;
    }

    /// Takes what was found in the identity that begins at a place when it was walked before.
    pub(super) fn keep_identity(&mut self, identity: &SeenIdentity, start: usize) {
        let moved = |range: &Range<usize>| {
            if range.is_empty() { 0..0 } else { start + range.start..start + range.end }
        };
        self.access_key = moved(&identity.access_key);
        self.attributes = moved(&identity.attributes);
        self.identity = identity.number;
    }

    /// Gives what was found in it.
    pub(super) fn tell_identity(&mut self, identity: &mut SeenIdentity, start: usize) {
        let moved = |range: &Range<usize>| {
            if range.is_empty() { 0..0 } else { range.start - start..range.end - start }
        };
        identity.access_key = moved(&self.access_key);
        identity.attributes = moved(&self.attributes);
        self.identity = identity.number;
    }

    /// The bytes of the record.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether a member of the record, not of what lies in it, has a name with an escape: it may be another spelling of
    /// any, and is not found here.
    pub fn has_escaped_name(&self) -> bool {
        self.has_escaped_name
    }

    /// Whether there are `insightDetails` that are not `null`.
    pub fn has_insight(&self) -> bool {
        self.has_insight
    }

    /// The value of a member as it is written; of duplicates the last.
    #[inline]
    pub fn raw(&self, member: Member) -> Option<&'a [u8]> {
        let (start, end) = self.members[member as usize];
        if end == 0 { None } else { self.bytes.get(start as usize..end as usize) }
    }

    /// The value of a member; of duplicates the last.
    pub fn value(&self, member: Member) -> Option<Value<'a>> {
        match self.raw(member)? {
            raw @ [b'{', ..] => Some(Value::Object(raw)),
            raw @ [b'[', ..] => Some(Value::Array(raw)),
            raw => Value::parse(raw).ok(),
        }
    }

    /// `eventTime`; `None` when it is absent or no time.
    pub fn time(&self) -> Option<Timestamp> {
        self.value(Member::EventTime).and_then(time_of)
    }

    /// [`error`](crate::derived::error) of the record.
    pub fn error(&self) -> Option<Cow<'a, str>> {
        error_of(&|member| self.value(member))
    }

    /// A number that no record has whose `userIdentity` has other bytes, of all that one walker walked; of those with the same
    /// bytes, some may have another one, or none.
    pub fn identity_number(&self) -> Option<u64> {
        (self.identity != 0).then_some(self.identity)
    }

    /// `userIdentity.accessKeyId` as it is written; of duplicates the last, and none whose name has an escape.
    pub fn access_key(&self) -> Option<&'a [u8]> {
        if self.access_key.is_empty() { None } else { Some(&self.bytes[self.access_key.clone()]) }
    }

    /// Writes `userIdentity` as it is, but for the values of [`Self::access_key`] and of `sessionContext.attributes`, which
    /// are different in every session: nothing stands in their places. Of two identities with the same bytes here, all else
    /// is the same.
    pub fn write_without_session(&self, to: &mut Vec<u8>) {
        let (start, end) = self.members[Member::UserIdentity as usize];
        let (key, attributes) = (&self.access_key, &self.attributes);
        let cuts = if key.start < attributes.start { [key, attributes] } else { [attributes, key] };
        let mut at = start as usize;
        for cut in cuts.into_iter().filter(|cut| !cut.is_empty()) {
            to.extend_from_slice(&self.bytes[at..cut.start]);
            at = cut.end;
        }
        to.extend_from_slice(&self.bytes[at..end as usize]);
    }

    /// The names of the record's `Resources` ([`resource_names`](crate::needed::resource_names)), some perhaps twice.
    pub fn resource_names(&self, visit: &mut dyn FnMut(&str)) {
        let is_object = |member| matches!(self.raw(member), Some([b'{', ..]));
        let may_name = [Member::RequestParameters, Member::ResponseElements].into_iter().any(is_object);
        if !may_name && self.raw(Member::Resources).is_none() {
            return;
        }
        let top = TopLevel {
            event_name: self.value(Member::EventName),
            event_source: self.value(Member::EventSource),
            request: self.value(Member::RequestParameters),
            resources: self.value(Member::Resources),
            response: self.value(Member::ResponseElements),
            has_failed: self.has_failed,
            ..TopLevel::default()
        };
        resource_names_of(&top, visit);
    }
}
