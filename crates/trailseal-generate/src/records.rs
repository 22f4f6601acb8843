//! Event records as CloudTrail writes them (docs/spec/records.md): a mix of calls with a long tail, made by
//! principals who come back, and the story of one stolen access key.

mod catalog;
mod fill;
mod identity;
mod story;
mod template;
mod text;
mod world;

use crate::random::{Rng, derive_u64, skewed};

use catalog::{Call, Caller, Class, Scope, Service};
use fill::{Scene, fill};
use identity::{Kind, Principal};
pub(crate) use story::{Script, Story};
use template::Template;
use text::{s3_request_id, uuid};
use world::Account;
pub(crate) use world::account_ids;

/// The region that has the events of global services.
const GLOBAL_REGION: &str = "us-east-1";

/// Everything that records are made from. Shared by all threads; writing changes nothing in it.
pub(crate) struct Records {
    calls: Vec<Api>,
    /// Running totals of the weights of [`Self::calls`]: all, and without those of global services.
    totals: [Vec<u64>; 2],
    accounts: Vec<Account>,
    story: Story,
}

/// Where a record is delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Which of the archive's accounts.
    pub(crate) account: usize,
    pub(crate) region: &'a str,
    /// [`Records::region_seed`] of the region.
    pub(crate) region_seed: u64,
    /// Whether the events of global services are delivered here.
    pub(crate) global: bool,
    /// The trail that delivers.
    pub(crate) trail_arn: &'a str,
}

/// A call with its templates compiled.
struct Api {
    service: &'static Service,
    call: &'static Call,
    /// `"eventSource":"…","eventName":"…","awsRegion":"`
    head: String,
    host: Template,
    request: Template,
    response: Template,
    additional: Template,
    resources: Template,
    details: Template,
    errors: Vec<(&'static str, Template)>,
    /// Whether it is a failed sign-in.
    failed: bool,
}

/// Who makes a call, from where, and with what outcome.
struct Actor<'a> {
    who: Who<'a>,
    /// Address and user agent when they are not the principal's own.
    origin: Option<(&'a str, &'a str)>,
    /// Index into [`Api::errors`].
    error: Option<usize>,
}

enum Who<'a> {
    Principal(&'a Principal),
    /// A service acts for a principal.
    OnBehalf(&'a Principal, &'static str),
    Service(&'static str),
    Nobody(&'static str),
}

impl Records {
    /// Sets the scene for an archive of these accounts, at least one.
    pub(crate) fn new(seed: u64, accounts: &[String]) -> Self {
        let calls: Vec<Api> = catalog::services()
            .flat_map(|service| service.calls.iter().map(move |call| Api::new(service, call)))
            .collect();
        let totals = [true, false].map(|global| {
            let weight = |api: &Api| {
                if global || api.service.scope == Scope::Regional { u64::from(api.call.weight) } else { 0 }
            };
            let running = |total: &mut u64, api: &Api| {
                *total += weight(api);
                Some(*total)
            };
            calls.iter().scan(0, running).collect()
        });
        Self {
            calls,
            totals,
            story: Story::new(seed, accounts),
            accounts: accounts.iter().map(|id| Account::new(seed, id)).collect(),
        }
    }

    /// What makes the resources of a region its own.
    pub(crate) fn region_seed(seed: u64, region: &str) -> u64 {
        derive_u64(seed, &["region", region])
    }

    /// The story of the stolen key.
    pub(crate) fn story(&self) -> &Story {
        &self.story
    }

    /// Writes a record of the mix. `late` says that it is delivered long after it happened.
    pub(crate) fn write(&self, out: &mut Vec<u8>, place: Place<'_>, now: i64, random: &mut Rng, late: bool) {
        let totals = &self.totals[usize::from(!place.global)];
        let at = random.below(totals.last().copied().unwrap_or(0));
        let api = &self.calls[totals.partition_point(|total| *total <= at)];
        let account = &self.accounts[place.account];
        let actor = Actor::of(api, account, random);
        self.record(out, api, &actor, place, now, random, late);
    }

    /// Writes a record of a script.
    pub(crate) fn write_script(
        &self,
        out: &mut Vec<u8>,
        script: &Script<'_>,
        place: Place<'_>,
        random: &mut Rng,
    ) {
        let account = &self.accounts[place.account];
        let actor = Actor {
            who: Who::Principal(script.principal.unwrap_or_else(|| account.principal(random))),
            origin: script.origin,
            error: script.error,
        };
        self.record(out, script.api, &actor, place, script.at, random, false);
    }

    #[expect(clippy::too_many_arguments)]
    fn record(
        &self,
        out: &mut Vec<u8>,
        api: &Api,
        actor: &Actor<'_>,
        place: Place<'_>,
        now: i64,
        random: &mut Rng,
        late: bool,
    ) {
        let account = &self.accounts[place.account];
        let class = api.call.class;
        let scene = Scene {
            account,
            other_account: &self.accounts[(place.account + 1) % self.accounts.len()].id,
            region: if api.service.scope == Scope::Global { GLOBAL_REGION } else { place.region },
            region_seed: place.region_seed,
            now,
            caller_arn: actor.arn(),
            action: (api.service.action, api.call.name),
            event_seed: random.next(),
            story: &self.story,
            trail_arn: place.trail_arn,
        };
        let version = match random.below(100) {
            0..55 if class != Class::Network => "1.08",
            0..75 => "1.09",
            75..85 => "1.10",
            _ => "1.11",
        };
        put(out, &["{\"eventVersion\":\"", version, "\",\"userIdentity\":"]);
        match actor.who {
            Who::Principal(user) if class == Class::SignIn => user.write_sign_in(out, now, api.failed),
            Who::Principal(principal) => principal.write(out, now, None),
            Who::OnBehalf(principal, service) => principal.write(out, now, Some(service)),
            Who::Service(service) => identity::service(out, service),
            Who::Nobody(service) => identity::nobody(out, &account.id, service),
        }
        put(out, &[",\"eventTime\":\""]);
        text::time(out, now);
        put(out, &["\",", &api.head, scene.region, "\",\"sourceIPAddress\":\""]);
        let endpoint = class == Class::Network || (actor.is_machine() && random.chance(1, 9));
        let is_s3 = api.service.action == "s3";
        match (actor.origin, actor.service()) {
            (Some((address, agent)), _) => put(out, &[address, "\",\"userAgent\":\"", agent]),
            (None, Some(service)) => put(out, &[service, "\",\"userAgent\":\"", service]),
            (None, None) => {
                let (address, agent) = actor.origin_at(random);
                if endpoint {
                    put(out, &["10.0."]);
                    fill::private(out, random);
                } else {
                    put(out, &[if agent == "AWS Internal" { agent } else { address }]);
                }
                let (open, close) = if is_s3 { ("[", "]") } else { ("", "") };
                put(out, &["\",\"userAgent\":\"", open, agent, close]);
            }
        }
        put(out, &["\""]);
        if class == Class::Network && random.chance(1, 2) {
            put(
                out,
                &[
                    ",\"errorCode\":\"VpceAccessDenied\",\"errorMessage\":\"The request was denied due to a VPC endpoint policy\"",
                ],
            );
        } else if let Some((code, message)) = actor.error.and_then(|at| api.errors.get(at)) {
            if !code.is_empty() {
                put(out, &[",\"errorCode\":\"", code, "\""]);
            }
            if !message.is_empty() {
                put(out, &[",\"errorMessage\":\""]);
                fill(out, message, &scene, random);
                put(out, &["\""]);
            }
        }
        put(out, &[",\"requestParameters\":"]);
        fill(out, &api.request, &scene, random);
        put(out, &[",\"responseElements\":"]);
        if actor.error.is_some() && !api.failed {
            put(out, &["null"]);
        } else {
            fill(out, &api.response, &scene, random);
        }
        let optional = |out: &mut Vec<u8>, name: &str, template: &Template, random: &mut Rng| {
            if !template.is_empty() {
                put(out, &[",\"", name, "\":"]);
                fill(out, template, &scene, random);
            }
        };
        optional(out, "additionalEventData", &api.additional, random);
        if !matches!(class, Class::Service | Class::SignIn) {
            put(out, &[",\"requestID\":\""]);
            if is_s3 {
                s3_request_id(out, random);
            } else {
                uuid(out, random);
            }
            put(out, &["\""]);
        }
        put(out, &[",\"eventID\":\""]);
        uuid(out, random);
        put(out, &["\",\"readOnly\":", if api.call.read { "true" } else { "false" }]);
        optional(out, "resources", &api.resources, random);
        put(out, &[",\"eventType\":\"", class.event_type(), "\""]);
        if !api.service.api_version.is_empty() {
            put(out, &[",\"apiVersion\":\"", api.service.api_version, "\""]);
        }
        match class {
            Class::Network => {}
            Class::Data => put(out, &[",\"managementEvent\":false"]),
            _ => put(out, &[",\"managementEvent\":true"]),
        }
        put(out, &[",\"recipientAccountId\":\"", &account.id, "\""]);
        if actor.is_shared(class) {
            put(out, &[",\"sharedEventID\":\""]);
            uuid(out, random);
            put(out, &["\""]);
        }
        optional(out, "serviceEventDetails", &api.details, random);
        if endpoint {
            put(out, &[",\"vpcEndpointId\":\""]);
            fill::endpoint(out, &scene);
            put(out, &["\""]);
            if version != "1.08" {
                put(out, &[",\"vpcEndpointAccountId\":\"", &account.id, "\""]);
            }
        }
        put(out, &[",\"eventCategory\":\"", class.category(), "\""]);
        if late || random.chance(1, 2000) {
            addendum(out, late, random);
        }
        let by_hand = matches!(actor.who, Who::Principal(_)) && class != Class::Service;
        if by_hand && class != Class::Network {
            let modern = random.chance(1, 2);
            put(out, &[",\"tlsDetails\":{\"tlsVersion\":\""]);
            put(
                out,
                &[if modern {
                    "TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256"
                } else {
                    "TLSv1.2\",\"cipherSuite\":\"ECDHE-RSA-AES128-GCM-SHA256"
                }],
            );
            put(out, &["\",\"clientProvidedHostHeader\":\""]);
            fill(out, &api.host, &scene, random);
            put(
                out,
                &[if modern && version == "1.11" { "\",\"keyExchange\":\"X25519MLKEM768\"}" } else { "\"}" }],
            );
        }
        if actor.is_console() && class == Class::Management {
            put(out, &[",\"sessionCredentialFromConsole\":\"true\""]);
        }
        put(out, &["}"]);
    }
}

impl Api {
    fn new(service: &'static Service, call: &'static Call) -> Self {
        Self {
            service,
            call,
            head: format!(r#""eventSource":"{}","eventName":"{}","awsRegion":""#, service.source, call.name),
            host: Template::new(service.host),
            request: Template::new(call.request),
            response: Template::new(call.response),
            additional: Template::new(call.additional),
            resources: Template::new(call.resources),
            details: Template::new(call.details),
            errors: service.errors.iter().map(|(code, text)| (*code, Template::new(text))).collect(),
            failed: call.class == Class::SignIn && call.response.contains("Failure"),
        }
    }
}

impl<'a> Actor<'a> {
    /// Somebody who makes this call.
    fn of(api: &Api, account: &'a Account, random: &mut Rng) -> Self {
        let class = api.call.class;
        let who = match api.call.caller {
            Caller::Service(service, percent) if random.chance(u64::from(percent), 100) => {
                Who::Service(service)
            }
            Caller::OnBehalf(service, percent) if random.chance(u64::from(percent), 100) => {
                Who::OnBehalf(account.principal(random), service)
            }
            Caller::Nobody(service) => Who::Nobody(service),
            Caller::Console => Who::Principal(account.console_user(random)),
            Caller::Root => Who::Principal(account.root()),
            Caller::Saml => Who::Principal(&account.saml),
            Caller::WebIdentity => Who::Principal(&account.web_identity),
            Caller::IdentityCenter => Who::Principal(&account.identity_center),
            Caller::Directory => Who::Principal(&account.directory),
            Caller::Unknown => Who::Principal(&account.unknown),
            // other accounts read what is shared with them
            _ if class == Class::Data && random.chance(1, 40) => Who::Principal(&account.outsider),
            _ => Who::Principal(account.principal(random)),
        };
        let may_fail = matches!(who, Who::Principal(_)) && matches!(class, Class::Management | Class::Data);
        let rate = if api.call.read { 30 } else { 60 };
        let error = if api.failed {
            Some(0)
        } else if may_fail && random.chance(rate, 1000) {
            Some(skewed(random.next(), api.errors.len() as u64) as usize)
        } else {
            None
        };
        Self { who, origin: None, error }
    }

    fn arn(&self) -> &str {
        match self.who {
            Who::Principal(principal) | Who::OnBehalf(principal, _) => &principal.arn,
            Who::Service(service) | Who::Nobody(service) => service,
        }
    }

    /// The service that calls, for itself or for somebody.
    fn service(&self) -> Option<&'static str> {
        match self.who {
            Who::Principal(_) => None,
            Who::OnBehalf(_, service) | Who::Service(service) | Who::Nobody(service) => Some(service),
        }
    }

    fn origin_at(&self, random: &mut Rng) -> (&'a str, &'a str) {
        match self.who {
            Who::Principal(principal) => (
                &principal.addresses[skewed(random.next(), principal.addresses.len() as u64) as usize],
                principal.agents[skewed(random.next(), principal.agents.len() as u64) as usize],
            ),
            Who::OnBehalf(_, service) | Who::Service(service) | Who::Nobody(service) => (service, service),
        }
    }

    fn is_machine(&self) -> bool {
        matches!(self.who, Who::Principal(p) if p.kind == Kind::AssumedRole && !p.console && self.origin.is_none())
    }

    fn is_console(&self) -> bool {
        matches!(self.who, Who::Principal(p) if p.console && p.has_session())
    }

    /// Whether the same action is also delivered to another account.
    fn is_shared(&self, class: Class) -> bool {
        match self.who {
            Who::Service(_) => true,
            Who::Principal(p) => p.kind == Kind::AwsAccount || class == Class::Network,
            _ => false,
        }
    }
}

impl Class {
    fn event_type(self) -> &'static str {
        match self {
            Self::Management | Self::Data => "AwsApiCall",
            Self::Network => "AwsVpceEvent",
            Self::Service => "AwsServiceEvent",
            Self::SignIn => "AwsConsoleSignIn",
            Self::ConsoleAction => "AwsConsoleAction",
        }
    }

    fn category(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Network => "NetworkActivity",
            _ => "Management",
        }
    }
}

fn put(out: &mut Vec<u8>, texts: &[&str]) {
    for text in texts {
        out.extend_from_slice(text.as_bytes());
    }
}

/// What was added to a record after the fact.
fn addendum(out: &mut Vec<u8>, late: bool, random: &mut Rng) {
    if late {
        return put(out, &[",\"addendum\":{\"reason\":\"DELIVERY_DELAY\"}"]);
    }
    put(
        out,
        &[
            ",\"addendum\":{\"reason\":\"UPDATED_DATA\",\"updatedFields\":\"responseElements,errorCode\",\"originalRequestID\":\"",
        ],
    );
    uuid(out, random);
    put(out, &["\",\"originalEventID\":\""]);
    uuid(out, random);
    put(out, &["\"}"]);
}

#[cfg(test)]
mod tests;
